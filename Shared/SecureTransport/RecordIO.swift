import COpenSSL
import NIOCore

/// The two ends of a TLS connection as OpenSSL sees them: it reads records out of the buffer that the socket filled and
/// writes records into the buffer that the socket will send, so nothing is copied through a memory BIO in between.
final class RecordIO {
    var input = ByteBuffer()
    var output: ByteBuffer
    /// Set when the peer's socket ended: OpenSSL then reports the end instead of waiting.
    var inputEnded = false

    init(allocator: ByteBufferAllocator) {
        output = allocator.buffer(capacity: 0)
    }

    func receive(_ buffer: ByteBuffer) {
        if input.readableBytes == 0 {
            input = buffer
        } else {
            var buffer = buffer
            input.writeBuffer(&buffer)
        }
    }

    /// The records written since the last call, or nil when there are none.
    func takeOutput() -> ByteBuffer? {
        guard output.readableBytes > 0 else { return nil }
        let taken = output
        output = ByteBuffer()
        return taken
    }

    /// A BIO that borrows `self`; the connection keeps both alive together.
    func makeBIO() -> OpaquePointer? {
        guard let method = Self.method.raw, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    private static func of(_ bio: OpaquePointer) -> RecordIO? {
        BIO_get_data(bio).map { Unmanaged<RecordIO>.fromOpaque($0).takeUnretainedValue() }
    }

    /// `@unchecked Sendable`: made once, read only.
    private struct Method: @unchecked Sendable {
        let raw: OpaquePointer?
    }

    private static let method: Method = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "baohan channel") else {
            return Method(raw: nil)
        }
        BIO_meth_set_read(method) { bio, bytes, count in
            guard let bio, let bytes, let io = RecordIO.of(bio) else { return -1 }
            baohan_BIO_clear_retry_flags(bio)
            let available = min(Int(count), io.input.readableBytes)
            guard available > 0 else {
                if io.inputEnded { return 0 }
                baohan_BIO_set_retry_read(bio)
                return -1
            }
            io.input.readWithUnsafeReadableBytes { source in
                UnsafeMutableRawPointer(bytes).copyMemory(
                    from: source.baseAddress ?? UnsafeRawPointer(bytes), byteCount: available)
                return available
            }
            return Int32(available)
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            guard let bio, let bytes, let io = RecordIO.of(bio) else { return -1 }
            baohan_BIO_clear_retry_flags(bio)
            io.output.writeBytes(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in
            switch command {
            case BIO_CTRL_FLUSH, BIO_CTRL_PUSH, BIO_CTRL_POP: 1
            default: 0
            }
        }
        return Method(raw: method)
    }()
}
