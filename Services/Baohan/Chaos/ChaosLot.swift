import Contracts
import Foundation
import ServiceRuntime

/// A lot and the stories on it. Its tender moves on when every story has come as far as it can before that.
actor ChaosLot {
    nonisolated let number: Int
    nonisolated let id: LotID
    /// What becomes of the tender.
    nonisolated let move: TenderState.Event
    private let size: Int
    private var arrivals = 0
    private var isMoved = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private let world: World
    private let history: History

    init(_ number: Int, of size: Int, _ move: TenderState.Event, in world: World, _ history: History) async throws {
        self.number = number
        self.size = size
        self.move = move
        self.world = world
        self.history = history
        let lot = try await world.sandbox.persistently(
            .publishLot,
            PublishLot(
                region: "341800", projectName: try Words("第\(number)号工程"), lotName: try Words("标段\(number)"),
                kind: .works, estimate: Money(fen: 5_000_000_000), deposit: Money(fen: 5_000_000),
                opensInSeconds: 14 * 86_400, validityDays: 90))
        id = lot.id
    }

    /// One story has nothing to do any more before the tender moves on.
    func arrived() async {
        arrivals += 1
        guard arrivals == size else { return }
        while true {
            do {
                _ = try await world.sandbox.call(.moveLot, id, MoveLot(event: move))
                break
            } catch let problem as Problem where problem.code.status >= 500 {
                try? await Task.sleep(for: .milliseconds(100))
            } catch {
                // Moved already, by a call whose answer was lost.
                break
            }
        }
        history.note("lot \(number): \(move.rawValue)")
        isMoved = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }

    /// Returns when the tender has moved on.
    func moved() async {
        if isMoved { return }
        await withCheckedContinuation { waiting.append($0) }
    }
}
