import Contracts
import Hummingbird
import Logging
import SecureTransport

/// What a connection knows before any request: who is at its other end.
struct ConnectionSource: RequestContextSource {
    let logger: Logger
    /// The deployment's identities in the peer's certificate; a process may hold several.
    let callers: Set<Party>
    /// The peer's chain in DER, leaf first; empty when it sent none.
    let peerChain: [[UInt8]]
    let scope: RequestScope
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
