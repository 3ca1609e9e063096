import ServiceKit
import Testing

@Suite("The state machine of a job")
struct JobStateTests {
    /// A place in a sequence of events, and what is known of the way there.
    private struct Place {
        var phase = JobPhase(.requested)
        var ends = 0
        var retries = 0
        var promised: JobState?
    }

    @Test("keeps its promises after every sequence of events")
    func sequences() {
        var places = [Place()]
        var seen = 0
        for _ in 0..<8 {
            places = places.flatMap { place in
                JobEvent.allCases.flatMap { event in
                    [false, true].compactMap { undoing in next(place, event, undoing: undoing) }
                }
            }
            seen += places.count
        }
        #expect(seen > 100_000)
    }

    private func next(_ place: Place, _ event: JobEvent, undoing: Bool) -> Place? {
        guard let phase = place.phase.after(event, undoing: undoing) else { return nil }
        var next = place
        next.phase = phase
        if event == .retried { next.retries += 1 }
        if phase.state.isEnd { next.ends += 1 }

        #expect(place.phase.state != .completed, "what is completed stays completed")
        #expect(!place.phase.state.isEnd || event == .retried, "an end is left by hand alone")
        #expect(next.ends <= next.retries + 1, "a job ends once")
        #expect(phase.ending == nil || !phase.state.isEnd, "nothing that ended is being undone")
        #expect((event == .claimed) == (phase.state == .running && place.phase.state == .requested))
        switch (place.phase.ending, phase.ending) {
        case (nil, let ending?):
            #expect(undoing && phase.state == place.phase.state, "undoing begins where the job is")
            next.promised = ending
        case (let ending?, nil):
            #expect(event == .undone && phase.state == ending && ending == place.promised, "and ends as it was to end")
        case (let before?, let after?): #expect(before == after, "one way to end at a time")
        case (nil, nil): break
        }
        if !phase.state.isEnd {
            let last = phase.ending == nil ? JobEvent.expired : .undone
            #expect(phase.after(last, undoing: false)?.state.isEnd == true, "whatever is open can end")
        }
        return next
    }

    @Test("knows the ways that are drawn in docs/jobs.md")
    func drawing() {
        let edges = Set(
            JobState.allCases.flatMap { from in
                JobEvent.allCases.compactMap { event in
                    JobPhase(from).after(event, undoing: false).map { "\(from.rawValue) \(event) \($0.state.rawValue)" }
                }
            })
        #expect(
            edges == [
                "REQUESTED claimed RUNNING", "REQUESTED cancelled CANCELLED", "REQUESTED expired EXPIRED",
                "RUNNING interrupted REQUESTED", "RUNNING finished COMPLETED", "RUNNING failed FAILED",
                "RUNNING cancelled CANCELLED", "RUNNING expired EXPIRED", "FAILED retried REQUESTED",
                "CANCELLED retried REQUESTED", "EXPIRED retried REQUESTED",
            ])
    }
}

@Suite("What follows a failed attempt")
struct RetryPolicyTests {
    private let policy = RetryPolicy(attempts: 5, first: 2, most: 10)

    @Test("a request that cannot be met and a defect end the job, whatever the attempt")
    func ends() {
        #expect(policy.verdict(.rejected("no"), attempt: 1, random: 0.5) == .end(reason: "no"))
        #expect(
            policy.verdict(.defect("index"), attempt: 1, random: 0.5)
                == .end(reason: "a defect of this program: index"))
    }

    @Test("somebody who is down is waited for longer each time, to a bound, and not for ever")
    func backoff() {
        let pauses = (1...4).map { policy.verdict(.unavailable("down"), attempt: $0, random: 1) }
        #expect(pauses == [2, 4, 8, 10].map { .again(after: $0, reason: "down") })
        #expect(policy.verdict(.unavailable("down"), attempt: 1, random: 0) == .again(after: 1, reason: "down"))
        #expect(
            policy.verdict(.unavailable("down"), attempt: 5, random: 0)
                == .end(reason: "down (given up after 5 attempts)"))
    }

    @Test("who says how long to wait is believed")
    func asked() {
        let failure = JobFailure.unavailable("busy", retryAfter: .seconds(90))
        #expect(policy.verdict(failure, attempt: 1, random: 0) == .again(after: 90, reason: "busy"))
    }
}
