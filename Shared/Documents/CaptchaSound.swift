/// A few digits spoken in Mandarin for those who cannot see a picture, over noise: each a little faster or slower, with
/// pauses by chance.
///
/// - Parameter digits: ASCII digits; anything else is left out.
/// - Returns: WAV, 8 kHz, 8 bits, one channel.
public func captchaSound(of digits: String) -> [UInt8] {
    let voices = Voice.all
    var samples: [Double] = []
    func pause(_ seconds: ClosedRange<Double>) {
        samples += [Double](repeating: 0, count: Int(.random(in: seconds) * Voice.samplesPerSecond))
    }
    pause(0.3...0.6)
    for digit in digits.compactMap(\.wholeNumberValue) where voices.indices.contains(digit) {
        let speed = Double.random(in: 0.9...1.1)
        let loudness = Double.random(in: 0.7...1)
        let voice = voices[digit]
        for index in 0..<Int(Double(voice.count) / speed) {
            samples.append(loudness * voice[min(voice.count - 1, Int(Double(index) * speed))])
        }
        pause(0.35...0.8)
    }
    // Scraps of other digits and a hiss, soft enough to listen over.
    let scraps = voices.shuffled().prefix(3).flatMap { $0 }
    let bytes = samples.indices.map { index -> UInt8 in
        let noise = 0.08 * scraps[(index * 3 / 4) % scraps.count] + .random(in: -0.03...0.03)
        return UInt8(clamping: Int(128 + 110 * max(-1, min(1, samples[index] + noise))))
    }
    return wave(bytes)
}

/// Ten spoken digits, see `Voices/make`.
private enum Voice {
    static let samplesPerSecond = 8_000.0

    static let all: [[Double]] = {
        var voices: [[Double]] = []
        var rest = PackageResources.digits_bin[...]
        while rest.count >= 2 {
            let count = rest.prefix(2).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(2)
            voices.append(rest.prefix(count).map { (Double($0) - 128) / 128 })
            rest = rest.dropFirst(count)
        }
        return voices
    }()
}

/// A RIFF file around unsigned samples.
private func wave(_ samples: [UInt8]) -> [UInt8] {
    func four(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
    func two(_ number: Int) -> [UInt8] { Array(four(number).prefix(2)) }
    let rate = Int(Voice.samplesPerSecond)
    let padding: [UInt8] = samples.count.isMultiple(of: 2) ? [] : [128]
    let format = Array("fmt ".utf8) + four(16) + two(1) + two(1) + four(rate) + four(rate) + two(1) + two(8)
    let data = Array("data".utf8) + four(samples.count) + samples + padding
    let body = Array("WAVE".utf8) + format + data
    return Array("RIFF".utf8) + four(body.count) + body
}
