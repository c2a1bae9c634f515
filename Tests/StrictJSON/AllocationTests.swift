import CAllocations
import StrictJSON
import Testing

@Suite("No allocation per key")
struct AllocationTests {
    private struct Four: Codable {
        var anAmountInFen = 1, anotherAmountInFen = 2, yetAnotherOneInFen = 3, theLastAmountInFen = 4
    }

    private struct Twelve: Codable {
        var anAmountInFen = 1, anotherAmountInFen = 2, yetAnotherOneInFen = 3, theLastAmountInFen = 4
        var anAmountInYuan = 1, anotherAmountInYuan = 2, yetAnotherOneInYuan = 3, theLastAmountInYuan = 4
        var anAmountInJiao = 1, anotherAmountInJiao = 2, yetAnotherOneInJiao = 3, theLastAmountInJiao = 4
    }

    private func allocations(_ work: () throws -> Void) rethrows -> Int {
        let before = allocations_of_this_thread()
        try work()
        return allocations_of_this_thread() - before
    }

    @Test("An object with twelve fields is read and written with as many allocations as one with four")
    func sameForAllSizes() throws {
        let (four, twelve) = (try StrictJSON.encode(Four()), try StrictJSON.encode(Twelve()))
        func read() throws -> (Int, Int) {
            (
                try allocations { _ = try StrictJSON.decode(Four.self, from: four) },
                try allocations { _ = try StrictJSON.decode(Twelve.self, from: twelve) }
            )
        }
        func write() throws -> (Int, Int) {
            (
                try allocations { _ = try StrictJSON.encode(Four()) },
                try allocations { _ = try StrictJSON.encode(Twelve()) }
            )
        }
        // The first time, the runtime makes and keeps its tables.
        _ = (try read(), try write())
        let (reading, writing) = (try read(), try write())
        #expect(reading.0 > 0 || allocations_of_this_thread() < 0)
        #expect(reading.0 == reading.1)
        #expect(writing.0 == writing.1)
    }

    @Test("Looking for duplicates among two thousand keys takes no allocation for each")
    func manyKeys() throws {
        func document(_ count: Int) -> [UInt8] {
            Array(("{" + (0..<count).map { "\"a rather long key \($0)\":\($0)" }.joined(separator: ",") + "}").utf8)
        }
        struct Anything: Decodable { init(from decoder: any Decoder) throws {} }
        let (few, many) = (document(100), document(2_000))
        _ = try StrictJSON.decode(Anything.self, from: many)
        let difference =
            try allocations { _ = try StrictJSON.decode(Anything.self, from: many) }
            - allocations { _ = try StrictJSON.decode(Anything.self, from: few) }
        // The table of nodes doubles as it grows.
        #expect(difference <= 8)
    }
}
