import Glibc
import NIOConcurrencyHelpers

/// A context whose certificate, key and roots are read again when their files change: connections that are open go on,
/// new ones use the new files.
public final class ReloadingTLSContext: Sendable {
    /// What changes when a file is written or replaced.
    private struct Stamp: Equatable {
        let inode: UInt64
        let size: Int64
        let seconds: Int
        let nanoseconds: Int
    }

    private struct State {
        var context: TLSContext
        var stamps: [Stamp?]
    }

    private let role: TLSContext.Role
    private let configuration: TLSConfiguration
    private let state: NIOLockedValueBox<State>

    /// - Throws: ``TLSError/configuration(_:)``.
    public init(_ role: TLSContext.Role, _ configuration: TLSConfiguration) throws {
        self.role = role
        self.configuration = configuration
        let stamps = Self.stamps(configuration)
        state = NIOLockedValueBox(State(context: try TLSContext(role, configuration), stamps: stamps))
    }

    /// Whether what a peer's certificate says was checked in the handshake; only then may anybody believe its names.
    public var verifiesPeers: Bool { configuration.clientCertificates != .requiredUnverified }

    /// For the next connection.
    public var current: TLSContext { state.withLockedValue { $0.context } }

    /// Reads the files again if one of them changed. Files that do not fit together, as in the moment between two of them
    /// being written, leave the context as it is; the next call tries again.
    ///
    /// - Returns: whether there is a new context.
    /// - Throws: ``TLSError/configuration(_:)``.
    @discardableResult
    public func reload() throws -> Bool {
        let stamps = Self.stamps(configuration)
        guard stamps != state.withLockedValue({ $0.stamps }) else { return false }
        let context = try TLSContext(role, configuration)
        state.withLockedValue { $0 = State(context: context, stamps: stamps) }
        return true
    }

    private static func stamps(_ configuration: TLSConfiguration) -> [Stamp?] {
        let identity = configuration.identity
        let files: [String] = [
            identity?.certificateChainFile, identity?.privateKeyFile, configuration.trustRootsFile,
        ].compactMap { $0 }
        return files.map { file -> Stamp? in
            var status = stat()
            guard stat(file, &status) == 0 else { return nil }
            return Stamp(
                inode: UInt64(status.st_ino), size: Int64(status.st_size), seconds: status.st_mtim.tv_sec,
                nanoseconds: status.st_mtim.tv_nsec)
        }
    }
}
