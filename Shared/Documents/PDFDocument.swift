import CPangoCairo
import Foundation

/// Why a document could not be made.
public struct DocumentError: Error, CustomStringConvertible {
    public let description: String
}

/// A PDF being drawn: A4 pages of text blocks, tables and a QR code, Chinese text in an embedded subset font.
///
/// Drawing takes milliseconds: never on an event loop.
final class PDFDocument {
    /// A4 in points.
    static let pageWidth = 595.28
    static let pageHeight = 841.89
    static let margin = 56.0
    /// Droid Sans Fallback gives the smallest files of the free CJK fonts; the generic name follows it where it is not
    /// installed.
    static let font = "Droid Sans Fallback, DejaVu Sans, Noto Sans CJK SC, WenQuanYi Zen Hei, sans-serif"

    /// Where the bytes go that cairo writes.
    private final class Sink { var bytes: [UInt8] = [] }

    private let sink = Sink()
    private let surface: OpaquePointer
    private let context: OpaquePointer
    /// Distance from the page's top at which the next block begins.
    private(set) var y = PDFDocument.margin

    init(title: String, author: String, subject: String, createdAt: String) throws {
        let write: cairo_write_func_t = { closure, data, length in
            guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
            Unmanaged<Sink>.fromOpaque(closure).takeUnretainedValue().bytes.append(
                contentsOf: UnsafeBufferPointer(start: data, count: Int(length)))
            return CAIRO_STATUS_SUCCESS
        }
        guard
            let surface = cairo_pdf_surface_create_for_stream(
                write, Unmanaged.passUnretained(sink).toOpaque(), Self.pageWidth, Self.pageHeight),
            let context = cairo_create(surface)
        else { throw DocumentError(description: "cairo has no memory") }
        self.surface = surface
        self.context = context
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title)
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_AUTHOR, author)
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_SUBJECT, subject)
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "Baohan")
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, createdAt)
    }

    deinit {
        cairo_destroy(context)
        cairo_surface_destroy(surface)
    }

    /// The finished file. Nothing can be drawn afterwards.
    func finish() throws -> [UInt8] {
        cairo_show_page(context)
        cairo_surface_finish(surface)
        let status = cairo_surface_status(surface)
        guard status == CAIRO_STATUS_SUCCESS else {
            throw DocumentError(description: String(cString: cairo_status_to_string(status)))
        }
        return sink.bytes
    }

    // MARK: Blocks

    enum Alignment { case left, centre, right }

    /// A paragraph, broken where it does not fit; a new page begins where the old one is full.
    func paragraph(
        _ text: String, size: Double = 10.5, bold: Bool = false, alignment: Alignment = .left, after space: Double = 6
    ) {
        let width = Self.pageWidth - 2 * Self.margin
        let height = measure(text, size: size, bold: bold, width: width)
        breakPage(before: height)
        draw(text, x: Self.margin, y: y, size: size, bold: bold, width: width, alignment: alignment)
        y += height + space
    }

    /// Rows of label and value, ruled.
    func table(_ rows: [(label: String, value: String)]) {
        let labelWidth = 120.0
        let valueWidth = Self.pageWidth - 2 * Self.margin - labelWidth
        let padding = 5.0
        for (label, value) in rows {
            let height =
                max(
                    measure(label, size: 10.5, bold: false, width: labelWidth - 2 * padding),
                    measure(value, size: 10.5, bold: false, width: valueWidth - 2 * padding)) + 2 * padding
            breakPage(before: height)
            cairo_set_source_rgb(context, 0.95, 0.96, 0.98)
            cairo_rectangle(context, Self.margin, y, labelWidth, height)
            cairo_fill(context)
            cairo_set_source_rgb(context, 0.6, 0.64, 0.7)
            cairo_set_line_width(context, 0.5)
            cairo_rectangle(context, Self.margin, y, labelWidth, height)
            cairo_rectangle(context, Self.margin + labelWidth, y, valueWidth, height)
            cairo_stroke(context)
            draw(label, x: Self.margin + padding, y: y + padding, size: 10.5, width: labelWidth - 2 * padding)
            draw(
                value, x: Self.margin + labelWidth + padding, y: y + padding, size: 10.5,
                width: valueWidth - 2 * padding)
            y += height
        }
        y += 10
    }

    /// A QR code with a caption beside it.
    func qrCode(_ payload: String, caption: String) throws {
        let code = try QRCode(payload)
        let side = 96.0
        breakPage(before: side)
        let module = side / Double(code.width + 8)
        cairo_set_source_rgb(context, 0, 0, 0)
        for row in 0..<code.width {
            for column in 0..<code.width where code.isDark(row: row, column: column) {
                cairo_rectangle(
                    context, Self.margin + Double(column + 4) * module, y + Double(row + 4) * module, module, module)
            }
        }
        cairo_fill(context)
        draw(
            caption, x: Self.margin + side + 8, y: y + 12, size: 9, width: Self.pageWidth - 2 * Self.margin - side - 8)
        y += side + 8
    }

    func space(_ height: Double) { y += height }

    // MARK: Text

    private func breakPage(before height: Double) {
        guard y + height > Self.pageHeight - Self.margin else { return }
        cairo_show_page(context)
        y = Self.margin
    }

    private func layout(_ text: String, size: Double, bold: Bool, width: Double) -> OpaquePointer? {
        guard let layout = pango_cairo_create_layout(context) else { return nil }
        let description = pango_font_description_from_string("\(Self.font) \(bold ? "Bold " : "")")
        pango_font_description_set_absolute_size(description, size * Double(PANGO_SCALE))
        pango_layout_set_font_description(layout, description)
        pango_font_description_free(description)
        pango_layout_set_width(layout, Int32(width * Double(PANGO_SCALE)))
        pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR)
        pango_layout_set_spacing(layout, Int32(2 * PANGO_SCALE))
        pango_layout_set_text(layout, text, Int32(text.utf8.count))
        return layout
    }

    private func measure(_ text: String, size: Double, bold: Bool, width: Double) -> Double {
        guard let layout = layout(text, size: size, bold: bold, width: width) else { return 0 }
        defer { g_object_unref(UnsafeMutableRawPointer(layout)) }
        var height: Int32 = 0
        pango_layout_get_size(layout, nil, &height)
        return Double(height) / Double(PANGO_SCALE)
    }

    private func draw(
        _ text: String, x: Double, y: Double, size: Double, bold: Bool = false, width: Double,
        alignment: Alignment = .left
    ) {
        guard let layout = layout(text, size: size, bold: bold, width: width) else { return }
        defer { g_object_unref(UnsafeMutableRawPointer(layout)) }
        switch alignment {
        case .left: pango_layout_set_alignment(layout, PANGO_ALIGN_LEFT)
        case .centre: pango_layout_set_alignment(layout, PANGO_ALIGN_CENTER)
        case .right: pango_layout_set_alignment(layout, PANGO_ALIGN_RIGHT)
        }
        cairo_set_source_rgb(context, 0.1, 0.12, 0.16)
        cairo_move_to(context, x, y)
        pango_cairo_show_layout(context, layout)
    }
}
