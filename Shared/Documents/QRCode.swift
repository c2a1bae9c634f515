import CQREncode

/// The modules of a QR code (ISO/IEC 18004) at error correction level M.
struct QRCode {
    let width: Int
    private let modules: [UInt8]

    init(_ text: String) throws {
        guard let code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M) else {
            throw DocumentError(description: "the text does not fit into a QR code")
        }
        defer { QRcode_free(code) }
        width = Int(code.pointee.width)
        modules = Array(UnsafeBufferPointer(start: code.pointee.data, count: width * width))
    }

    func isDark(row: Int, column: Int) -> Bool { modules[row * width + column] & 1 == 1 }
}
