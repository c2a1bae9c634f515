import Contracts
import Hummingbird
import Logging
import NIOCore
import SecureTransport

/// What a connection hands to the router: who is at its other end, and the request's body.
struct ConnectionSource: RequestContextSource {
    let logger: Logger
    /// The deployment's identities in the peer's certificate; a process may hold several.
    let callers: Set<Party>
    /// The insurers among them, by their IDs.
    let insurers: Set<String>
    /// The peer's chain in DER, leaf first; empty when it sent none.
    let peerChain: [[UInt8]]
    /// The peer's address; empty when there is none.
    let address: String
    let scope: RequestScope
    /// The collected body of the request.
    let body: ByteBuffer
}

/// The context of one request in Hummingbird's router.
struct CallContext: RequestContext {
    typealias Source = ConnectionSource

    var coreContext: CoreRequestContextStorage
    let source: ConnectionSource

    init(source: ConnectionSource) {
        self.source = source
        coreContext = CoreRequestContextStorage(source: source)
    }
}
