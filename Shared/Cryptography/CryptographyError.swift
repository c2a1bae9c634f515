import COpenSSL

/// OpenSSL refused; `what` was tried, and `reason` is its own word. Never holds key material.
public struct CryptographyError: Error, Sendable, CustomStringConvertible {
    public let what: String
    public let reason: String

    public var description: String { "\(what): \(reason)" }

    /// Takes the reason from OpenSSL's queue and empties it.
    init(_ what: String) {
        self.what = what
        let code = ERR_peek_last_error()
        ERR_clear_error()
        reason = ERR_reason_error_string(code).map { String(cString: $0) } ?? "no reason given"
    }
}

/// The bytes of a memory BIO that `write` fills.
func collect(_ what: String, _ write: (OpaquePointer) -> Int32) throws -> [UInt8] {
    guard let bio = BIO_new(BIO_s_mem()) else { throw CryptographyError(what) }
    defer { BIO_free(bio) }
    guard write(bio) == 1 else { throw CryptographyError(what) }
    var data: UnsafeMutablePointer<CChar>?
    let length = baohan_BIO_get_mem_data(bio, &data)
    guard let data, length > 0 else { return [] }
    return [UInt8](UnsafeRawBufferPointer(start: data, count: length))
}

/// Runs `read` over a memory BIO with `bytes`.
func reading<Result>(_ bytes: [UInt8], _ read: (OpaquePointer) -> Result?) -> Result? {
    bytes.withUnsafeBytes { buffer -> Result? in
        guard let bio = BIO_new_mem_buf(buffer.baseAddress, Int32(clamping: buffer.count)) else { return nil }
        defer { BIO_free(bio) }
        return read(bio)
    }
}
