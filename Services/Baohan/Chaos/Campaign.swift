import Contracts
import Synchronization

/// Tells many stories at a time, and does harm in between. The seed decides who does what and what is done to the
/// deployment; how both meet is up to the machine.
final class Campaign: Sendable {
    private static let lotSize = 10

    private let seed: UInt64
    private let orders: Int
    private let faults: Int
    private let concurrency: Int
    private let saboteur: Saboteur
    private let world: World
    private let portal: ChaosClients
    private let history: History
    private let told = Atomic(0)
    private let isOver = Atomic(false)
    private let stuck = Mutex<[Verdict.Violation]>([])

    init(
        seed: UInt64, orders: Int, faults: Int, concurrency: Int, _ saboteur: Saboteur, _ world: World,
        _ portal: ChaosClients, _ history: History
    ) {
        self.seed = seed
        self.orders = orders
        self.faults = faults
        self.concurrency = concurrency
        self.saboteur = saboteur
        self.world = world
        self.portal = portal
        self.history = history
    }

    /// - Returns: the stories that came to no end.
    func run() async -> [Verdict.Violation] {
        async let harm: Void = doHarm()
        await tellStories()
        isOver.store(true, ordering: .relaxed)
        await harm
        return stuck.withLock { $0 }
    }

    /// As far as the stories are, so far is the schedule, and never more than three things at once.
    private func doHarm() async {
        var chance = Chance(seed: seed)
        await withTaskGroup(of: Void.self) { group in
            for (number, harm) in saboteur.schedule(faults, &chance).enumerated() {
                while !isOver.load(ordering: .relaxed), told.load(ordering: .relaxed) * faults < number * orders {
                    try? await Task.sleep(for: .milliseconds(25))
                }
                if number >= 3 { await group.next() }
                group.addTask { [saboteur] in await saboteur.doHarm(harm) }
            }
        }
    }

    private func tellStories() async {
        await withTaskGroup(of: Void.self) { group in
            var begun = 0
            while begun < orders {
                let size = min(Self.lotSize, orders - begun)
                // The stories of a lot wait for one another, so whole lots run at a time.
                while begun - told.load(ordering: .relaxed) + size > max(concurrency, Self.lotSize) {
                    await group.next()
                }
                do {
                    for story in try await stories(from: begun, size) {
                        group.addTask { [self] in await tell(story) }
                    }
                } catch {
                    stuck.withLock { $0.append(Verdict.Violation(order: nil, description: "\(error)")) }
                    told.wrappingAdd(size, ordering: .relaxed)
                }
                begun += size
            }
        }
    }

    /// Those of one lot.
    private func stories(from first: Int, _ count: Int) async throws -> [Story] {
        var chance = Chance(seed: seed).branch(first)
        let move: TenderState.Event =
            switch Int.random(in: 0..<10, using: &chance) {
            case 0: .terminate
            case 1: .suspend
            default: .openBids
            }
        let lot = try await ChaosLot(first / Self.lotSize, of: count, move, in: world, history)
        return try (first..<first + count).map { number in
            let plot = Plot.allCases.randomElement(using: &chance) ?? .keep
            return try Story(number, plot, lot, world, portal, history, chance.branch(number))
        }
    }

    private func tell(_ story: Story) async {
        do {
            try await story.tell()
        } catch {
            history.note("\(error)", story: story.number)
            let order = await story.order?.text
            stuck.withLock {
                $0.append(
                    Verdict.Violation(order: order, description: "story \(story.number), \(story.plot): \(error)"))
            }
        }
        told.wrappingAdd(1, ordering: .relaxed)
    }
}
