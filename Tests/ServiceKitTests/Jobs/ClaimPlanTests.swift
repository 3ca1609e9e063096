import Common
import Testing

@testable import ServiceKit

@Suite("Which jobs are taken next")
struct ClaimPlanTests {
    private func lane(_ workspace: String, _ kind: String = "report", priority: Int = 5) -> Lane {
        Lane(kind: kind, workspace: WorkspaceID("ws_\(workspace)"), priority: priority)
    }

    private func plan(
        all: Int = 100, workspace: Int = 100, provider: Int = 100, free: Int = .max,
        running: [ClaimPlan.Place: Int] = [:], served: [String: UInt64] = [:], admitted: [String: Int] = [:]
    ) -> ClaimPlan {
        let limits = ClaimPlan.Limits(all: all, workspace: workspace, provider: provider, free: free)
        return ClaimPlan(
            limits: ["report": limits, "import": limits], running: running, served: served, admitted: admitted)
    }

    @Test("workspaces get as much as each other, whatever their priorities")
    func equal() {
        let shares = plan().taken(9, from: [lane("a", priority: 9), lane("b"), lane("c", priority: 0)])
        #expect(shares == [lane("a", priority: 9): 3, lane("b"): 3, lane("c", priority: 0): 3])
    }

    @Test("who has more running waits for the others")
    func catchingUp() {
        let running = [ClaimPlan.Place(kind: "report", workspace: "ws_a"): 3]
        #expect(plan(running: running).taken(3, from: [lane("a"), lane("b")]) == [lane("b"): 3])
    }

    @Test("with one slot, workspaces take turns")
    func turns() {
        let served: [String: UInt64] = ["ws_a": 7, "ws_b": 5, "ws_c": 6]
        let lanes = [lane("a"), lane("b"), lane("c")]
        #expect(plan(served: served).taken(1, from: lanes) == [lane("b"): 1])
    }

    @Test("within a workspace the higher priority goes first")
    func priorities() {
        let lanes = [lane("a", priority: 1), lane("a", "import", priority: 8)]
        #expect(plan().taken(1, from: lanes) == [lane("a", "import", priority: 8): 1])
    }

    @Test("limits of a kind and of a workspace hold, what runs already counted in")
    func limits() {
        let running = [ClaimPlan.Place(kind: "report", workspace: "ws_a"): 1]
        let lanes = [lane("a"), lane("a", priority: 2), lane("b")]
        let shares = plan(all: 4, workspace: 2, running: running).taken(50, from: lanes)
        #expect(shares == [lane("a"): 1, lane("b"): 2])
        #expect(plan(all: 1, running: running).taken(50, from: lanes).isEmpty)
    }

    @Test("a provider's limit holds for all workspaces and kinds together, and one in trouble is tried once or not")
    func providers() {
        func lane(_ workspace: String, _ kind: String, _ provider: String?) -> Lane {
            Lane(kind: kind, workspace: WorkspaceID("ws_\(workspace)"), priority: 5, provider: provider)
        }
        let lanes = [lane("a", "report", "x"), lane("b", "import", "x"), lane("c", "report", nil)]
        let running = [ClaimPlan.Place(kind: "report", workspace: "ws_z", provider: "x"): 2]
        func taken(_ plan: ClaimPlan) -> Int {
            plan.taken(30, from: lanes).filter { $0.key.provider == "x" }.values.reduce(0, +)
        }
        #expect(taken(plan(provider: 5, running: running)) == 3)
        #expect(taken(plan(admitted: ["x": 0])) == 0)
        #expect(taken(plan(admitted: ["x": 1])) == 1)
        #expect(taken(plan(running: running, admitted: ["x": 1])) == 0)
        #expect(plan(admitted: ["x": 0]).taken(3, from: lanes) == [lane("c", "report", nil): 3])
        #expect(lanes.map { Lane($0.text) } == lanes)
    }

    @Test("a process takes no more of a kind than it has slots for it")
    func slots() {
        #expect(plan(free: 2).taken(9, from: [lane("a"), lane("b")]) == [lane("a"): 1, lane("b"): 1])
    }

    @Test("kinds that nobody here knows are left in line")
    func unknownKinds() {
        #expect(plan().taken(5, from: [lane("a", "other")]).isEmpty)
    }

    @Test("a lane's text sorts the urgent first and reads back")
    func text() {
        let lanes = [9, 5, 0].map { lane("a", priority: $0) }
        #expect(lanes.map(\.text).sorted() == lanes.map(\.text))
        #expect(lanes.map { Lane($0.text) } == lanes)
        for text in ["", "report", "report ws_a", "report ws_a ", "report ws_a x", "report ws_a 55", "report ws_a 5x"] {
            #expect(Lane(text) == nil, "\(text)")
        }
        #expect(Lane("report ws_a 5 host.example/a b")?.provider == "host.example/a b")
    }
}

extension ClaimPlan {
    /// How many it takes of each lane.
    fileprivate func taken(_ free: Int, from lanes: [Lane]) -> [Lane: Int] {
        Dictionary(uniqueKeysWithValues: shares(of: free, lanes: lanes).map { (lanes[$0.lane], $0.count) })
    }
}
