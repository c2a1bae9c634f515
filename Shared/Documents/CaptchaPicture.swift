import CPangoCairo

/// The ground of the picture, and the lightest ink on it: they differ by more than seven to one (WCAG 2.2, 1.4.6).
let captchaPaper = (red: 0.97, green: 0.97, blue: 0.95)
let captchaInk = (red: 0.3, green: 0.3, blue: 0.5)

/// A picture of a few characters that people read more easily than programs: each turned and moved by chance, with
/// lines across.
///
/// - Returns: PNG, 160 × 56.
/// - Throws: ``DocumentError``.
public func captchaPicture(of text: String) throws -> [UInt8] {
    final class Sink { var bytes: [UInt8] = [] }
    let (width, height) = (160.0, 56.0)
    guard let surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height)),
        let context = cairo_create(surface)
    else { throw DocumentError(description: "cairo has no memory") }
    defer {
        cairo_destroy(context)
        cairo_surface_destroy(surface)
    }
    cairo_set_source_rgb(context, captchaPaper.red, captchaPaper.green, captchaPaper.blue)
    cairo_paint(context)
    cairo_select_font_face(context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD)
    let step = (width - 30) / Double(max(1, text.count))
    for (index, character) in text.enumerated() {
        cairo_save(context)
        cairo_set_font_size(context, Double.random(in: 28...36))
        cairo_translate(context, 15 + Double(index) * step + .random(in: -3...3), 40 + .random(in: -5...5))
        cairo_rotate(context, .random(in: -0.35...0.35))
        cairo_set_source_rgb(
            context, .random(in: 0...captchaInk.red), .random(in: 0...captchaInk.green),
            .random(in: 0...captchaInk.blue))
        cairo_show_text(context, String(character))
        cairo_restore(context)
    }
    cairo_set_line_width(context, 1.2)
    for _ in 0..<4 {
        cairo_set_source_rgba(context, .random(in: 0...0.5), .random(in: 0...0.5), .random(in: 0...0.5), 0.7)
        cairo_move_to(context, .random(in: 0...20), .random(in: 0...height))
        cairo_curve_to(
            context, .random(in: 20...80), .random(in: 0...height), .random(in: 80...140), .random(in: 0...height),
            width,
            .random(in: 0...height))
        cairo_stroke(context)
    }
    let sink = Sink()
    let status = cairo_surface_write_to_png_stream(
        surface,
        { closure, data, length in
            guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
            Unmanaged<Sink>.fromOpaque(closure).takeUnretainedValue().bytes.append(
                contentsOf: UnsafeBufferPointer(start: data, count: Int(length)))
            return CAIRO_STATUS_SUCCESS
        }, Unmanaged.passUnretained(sink).toOpaque())
    guard status == CAIRO_STATUS_SUCCESS else {
        throw DocumentError(description: String(cString: cairo_status_to_string(status)))
    }
    return sink.bytes
}
