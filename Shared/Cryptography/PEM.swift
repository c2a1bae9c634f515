import COpenSSL

/// Text armour around DER (RFC 7468).
public enum PEM {
    /// The bytes of every block with this label, in the order of the text; others are skipped.
    public static func blocks(_ text: [UInt8], _ label: String) -> [[UInt8]] {
        var blocks: [[UInt8]] = []
        _ = reading(text) { bio -> Void? in
            var (name, header): (UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?)
            var data: UnsafeMutablePointer<UInt8>?
            var length = 0
            while PEM_read_bio(bio, &name, &header, &data, &length) == 1 {
                if let name, let data, String(cString: name) == label {
                    blocks.append(Array(UnsafeBufferPointer(start: data, count: length)))
                }
                CRYPTO_free(name, nil, 0)
                CRYPTO_free(header, nil, 0)
                CRYPTO_free(data, nil, 0)
            }
            ERR_clear_error()
            return nil
        }
        return blocks
    }
}
