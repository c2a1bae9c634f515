import COpenSSL

/// OpenSSL keeps its errors in a queue per thread, and a loop's connections share a thread: whoever calls OpenSSL
/// clears the queue before and empties it after.
enum OpenSSLErrors {
    static func clear() {
        ERR_clear_error()
    }

    /// The newest reason in the queue, with the queue emptied; nil when nothing was recorded.
    static func take() -> (code: UInt, text: String)? {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0 else { return nil }
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &text, text.count)
        let reason = ERR_reason_error_string(code).map { String(cString: $0) }
        return (code, reason ?? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}
