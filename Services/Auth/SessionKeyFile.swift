import Cryptography
import Foundation
import Synchronization

/// The file with the keys that sign session tokens. Keys are changed by changing it: the first one signs, all are
/// published.
final class SessionKeyFile: Sendable {
    private let file: URL
    private let known = Mutex<[UInt8]>([])

    init(_ file: String) { self.file = URL(fileURLWithPath: file) }

    /// The keys, unless the file is as it was: reading them again may mean asking a token.
    func keysIfChanged() throws -> [PrivateKey]? {
        let bytes = [UInt8](try Data(contentsOf: file))
        guard known.withLock({ $0 != bytes }) else { return nil }
        let keys = try PrivateKey.keys(pem: bytes)
        known.withLock { $0 = bytes }
        return keys
    }
}
