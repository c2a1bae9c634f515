/// Random numbers that a seed repeats (SplitMix64).
struct Chance: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Of which the outcome does not depend on how often others were asked.
    func branch(_ number: Int) -> Chance { Chance(seed: state ^ (UInt64(number) &+ 1) &* 0xD6E8_FEB8_6659_FD93) }
}
