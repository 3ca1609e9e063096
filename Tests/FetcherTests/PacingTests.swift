import ByteJSON
import Common
import Connectors
import TestKit
import Testing

@testable import Fetcher

@Suite struct Pacing {
    private let start = Timestamp(milliseconds: 1_700_000_000_000)
    private func at(_ seconds: Double) -> Timestamp { start.advanced(bySeconds: seconds) }

    @Test func theBreakerOpensProbesAndCloses() {
        var breaker = CircuitBreaker(threshold: 3, pause: 30, longestPause: 100)
        for second in 0..<2 {
            #expect(breaker.admit(at: at(Double(second))) == nil)
            breaker.failed(at: at(Double(second)))
        }
        #expect(breaker.state == .closed(failures: 2))
        breaker.failed(at: at(2))
        #expect(breaker.state == .open(until: at(32)))
        #expect(breaker.admit(at: at(31)) == at(32))

        #expect(breaker.admit(at: at(32)) == nil, "one probe")
        #expect(breaker.admit(at: at(32)) != nil, "and not two")
        breaker.failed(at: at(33))
        #expect(breaker.state == .open(until: at(93)), "twice as long")
        #expect(breaker.admit(at: at(93)) == nil)
        breaker.failed(at: at(93))
        #expect(breaker.state == .open(until: at(193)), "bounded")
        #expect(breaker.admit(at: at(193)) == nil)
        breaker.succeeded()
        #expect(breaker.state == .closed(failures: 0))
        #expect(breaker.admit(at: at(194)) == nil)
    }

    @Test func aProbeThatIsGivenUpLetsTheNextOneIn() {
        var breaker = CircuitBreaker(threshold: 1, pause: 30)
        breaker.failed(at: at(0))
        #expect(breaker.admit(at: at(30)) == nil)
        breaker.abandoned(at: at(31))
        #expect(breaker.admit(at: at(31)) == nil)
    }

    @Test func theBudgetHoldsEveryMinute() {
        var budget = RequestBudget()
        var sent: [Timestamp] = []
        var now = start
        for _ in 0..<500 {
            if let until = budget.admit(at: now, perMinute: 20) {
                #expect(until > now)
                now = until
            } else {
                sent.append(now)
                now = now.advanced(bySeconds: 0.3)
            }
        }
        for (i, time) in sent.enumerated() {
            #expect(sent[i...].count { $0 < time.advanced(bySeconds: 60) } <= 20)
        }
        #expect(sent.count > 200)
    }

    @Test func theLaterWordOfTheProviderCounts() {
        var budget = RequestBudget()
        budget.block(until: at(10))
        budget.block(until: at(5))
        #expect(budget.admit(at: at(9), perMinute: nil) == at(10))
        #expect(budget.admit(at: at(10), perMinute: nil) == nil)
    }

    @Test func backoffGrowsWithinItsBound() {
        let backoff = Backoff(base: 1, longest: 60)
        var generator = RandomSource(seed: 1)
        for attempt in 1...40 {
            let pause = backoff.pause(before: attempt, using: &generator)
            #expect(pause >= 0 && pause <= backoff.bound(before: attempt) && pause <= 60)
        }
        #expect([1, 2, 3, 7].map(backoff.bound) == [1, 2, 4, 60])
    }
}

@Suite struct Judging {
    private let now = Timestamp("2026-01-01T00:00:00Z")!

    private func judge(_ connector: String, _ status: Int, _ headers: [String: String] = [:], _ body: String) throws
        -> Verdict
    {
        let manifest = try #require(ConnectorLibrary().manifests.first { $0.name == connector })
        return manifest.read[0].judge(
            IncomingResponse(status: status, headers: headers.map { ($0.key, $0.value) }, body: Array(body.utf8)),
            try? JSONDocument(parsing: body), settings: StreamSettings(), now: now)
    }

    private func wait(_ verdict: Verdict) -> Double? {
        guard case .limited(let until, _) = verdict else { return nil }
        return Double(until.milliseconds - now.milliseconds) / 1000
    }

    @Test func theThreeFormsOfDiscourse() throws {
        #expect(wait(try judge("discourse", 429, ["Retry-After": "17"], "Slow down")) == 17)
        #expect(
            wait(
                try judge(
                    "discourse", 429, [:], #"{"errors":["x"],"error_type":"rate_limit","extras":{"wait_seconds":9}}"#))
                == 9)
        #expect(wait(try judge("discourse", 429, [:], #"{"failed":"FAILED","message":"searching too quickly"}"#)) == 60)
    }

    @Test func anOverloadedSearchIsNotTheEnd() throws {
        let verdict = try judge("discourse", 200, [:], #"{"posts":[],"grouped_search_result":{"error":"overloaded"}}"#)
        guard case .retry = verdict else { Issue.record("\(verdict)"); return }
    }

    @Test func bothLimitsOfGitHub() throws {
        let reset = String(now.milliseconds / 1000 + 120)
        #expect(
            wait(
                try judge(
                    "github", 403, ["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset],
                    #"{"message":"API rate limit exceeded for 203.0.113.7"}"#)) == 120)
        #expect(
            wait(
                try judge(
                    "github", 403, ["Retry-After": "30"],
                    #"{"message":"You have exceeded a secondary rate limit"}"#)) == 30)
        #expect(
            wait(try judge("github", 403, [:], #"{"message":"You have triggered an abuse detection mechanism"}"#)) == 60
        )
        let verdict = try judge("github", 403, [:], #"{"message":"Resource not accessible"}"#)
        guard case .fail = verdict else { Issue.record("\(verdict)"); return }
    }

    @Test(arguments: [
        (200, "read"), (204, "read"), (304, "end"), (400, "fail"), (401, "fail"), (403, "fail"), (404, "fail"),
        (408, "retry"),
        (410, "fail"), (425, "retry"), (429, "limited"), (500, "retry"), (502, "retry"), (503, "retry"), (504, "retry"),
    ])
    func withoutARule(status: Int, expected: String) {
        let source = ReadSource(
            name: "s", request: RequestTemplate(url: "https://a.example/"), items: "", id: .path(Path("id")))
        let verdict = source.judge(IncomingResponse(status: status), nil, settings: StreamSettings(), now: now)
        #expect("\(verdict)".hasPrefix(expected))
    }

    @Test func datesOfHTTP() {
        #expect(HTTPDate("Sun, 06 Nov 1994 08:49:37 GMT")?.timestamp == Timestamp("1994-11-06T08:49:37Z"))
        #expect(HTTPDate("soon") == nil)
        #expect(HTTPDate("Sun, 31 Feb 2021 08:49:37 GMT") == nil)
    }

    @Test func links() {
        #expect(WebAddress.next(inLink: "<https://a/2>; rel=\"next\", <https://a/9>; rel=\"last\"") == "https://a/2")
        #expect(
            WebAddress.next(inLink: "<https://a/1>; rel=\"prev\", <https://a/2?x=1,2>; rel=next") == "https://a/2?x=1,2"
        )
        #expect(WebAddress.next(inLink: "<https://a/9>; rel=\"last\"") == nil)
        #expect(WebAddress("HTTPS://A.example:443/x")?.origin == "https://a.example")
        #expect(
            WebAddress("/next?page=2", relativeTo: "https://a.example/old")?.text == "https://a.example/next?page=2")
        #expect(WebAddress("//b.example/x", relativeTo: "https://a.example/old") == nil)
        #expect(WebAddress("https://user@b.example/x") == nil)
    }
}

@Suite struct Positions {
    @Test func numbersLieBehindTheStartAndGrow() {
        let start = ReadPosition.instant(Bench.created)
        #expect(ReadPosition.furthest(nil, start, .number(17)) == .number(17))
        #expect(ReadPosition.furthest(.number(18), start, .number(17)) == .number(18))
        #expect(ReadPosition.furthest(nil, start) == start)
        #expect(ReadPosition.number(17).isBehind(start))
        #expect(!start.isBehind(start))
    }

    @Test func cursorsAreReadBackAsTheyWereWritten() throws {
        var source = SourceCursor()
        source.position = .number(1.5)
        source.seen.insert("a", digest: .max, position: .instant(Bench.created))
        source.seen.insert("b", digest: 0, position: nil)
        source.seen.settle()
        source.seen.insert("c", digest: 7, position: .number(3))
        source.pass = Pass(begunAt: Bench.created, next: .key("k"), windows: [Window(from: Bench.created, to: .now)])
        source.pass?.windows[0].to = Bench.created.advanced(bySeconds: 60)
        source.nested["topic"] = SourceCursor()
        var cursor = LaneCursor(range: BackfillRange(from: Bench.created, to: Bench.created, again: true))
        cursor.sources["s"] = source
        let text = try cursor.encoded()
        let read = try LaneCursor(decoding: text)
        #expect(read == cursor)
        #expect(try read.encoded() == text)
    }

    @Test func aProvidersAddressIsNeverStored() throws {
        var cursor = LaneCursor()
        cursor.sources["s"] = SourceCursor()
        cursor.sources["s"]?.pass = Pass(
            begunAt: Bench.created, next: .address("https://a.example/?access_token=secret"))
        #expect(try !cursor.encoded().contains("secret"))
    }
}
