import ByteJSON
import Common
import Connectors

/// What a response means.
enum Verdict: Sendable, Hashable {
    /// Its items are to be read.
    case read
    /// There is nothing more.
    case end
    /// This request brought nothing, and that is all right.
    case ignore
    case retry(after: Double?, reason: String)
    case limited(until: Timestamp, reason: String)
    case fail(reason: String)
}

extension ReadSource {
    /// Judges a response: the first rule of the connector that matches, else what HTTP means.
    ///
    /// - Parameters:
    ///   - document: The body as JSON, if it is any.
    ///   - guessedWait: Seconds to wait where the provider says "later" and not when; nil is the rule's.
    func judge(
        _ response: IncomingResponse, _ document: JSONDocument?, settings: StreamSettings, guessedWait: Int? = nil,
        now: Timestamp
    ) -> Verdict {
        let told = rate.wait(in: response, document, now: now)
        let scope = MappingScope(
            item: document?.root, headers: .lookup { response[$0] }, entity: settings.entity, config: settings.config)
        let rule = errors.first { rule in
            (rule.status.isEmpty || rule.status.contains(response.status)) && (rule.when?.holds(in: scope) ?? true)
        }
        let reason = rule?.message ?? response.reason(document)
        func limited(_ seconds: Int?) -> Verdict {
            .limited(until: told ?? now.advanced(bySeconds: Double(guessedWait ?? seconds ?? 60)), reason: reason)
        }

        if let rule {
            switch rule.action {
            case .retry:
                let until = told.map { Double($0.milliseconds - now.milliseconds) / 1000 }
                return .retry(after: until ?? (guessedWait ?? rule.wait).map(Double.init), reason: reason)
            case .fail: return .fail(reason: reason)
            case .ignore: return .ignore
            case .end: return .end
            case .rateLimited: return limited(rule.wait)
            }
        }
        switch response.status {
        case 200..<300: return .read
        case 304: return .end
        case 429: return limited(nil)
        case 403 where told != nil: return limited(nil)
        case 503 where told != nil: return limited(nil)
        case 408, 425, 500...: return .retry(after: nil, reason: reason)
        default: return .fail(reason: reason)
        }
    }
}

extension RateSignals {
    /// Waits longer than this are not believed.
    private static let longestWait = 90_000.0

    /// Until when the provider asks us to wait; nil if it does not.
    func wait(in response: IncomingResponse, _ document: JSONDocument?, now: Timestamp) -> Timestamp? {
        var times: [Timestamp] = []
        if let text = response["retry-after"] {
            if let seconds = Double(text) {
                times.append(now.advanced(bySeconds: seconds))
            } else if let date = HTTPDate(text) {
                times.append(date.timestamp)
            }
        }
        if let remaining, let left = response[remaining].flatMap({ Double($0) }), left < 1,
            let reset, let value = response[reset].flatMap({ Double($0) })
        {
            times.append(
                value < 31_536_000 ? now.advanced(bySeconds: value) : Timestamp(milliseconds: Int64(value * 1000)))
        }
        for path in wait {
            if let value = document.flatMap({ Path(path).value(in: $0.root) }),
                let seconds = MappedValue(value)?.double, seconds > 0
            {
                times.append(now.advanced(bySeconds: seconds))
            }
        }
        let latest = now.advanced(bySeconds: Self.longestWait)
        return times.filter { $0 > now }.max().map { min($0, latest) }
    }
}

extension IncomingResponse {
    /// The status and what the provider says about it, for a person.
    fileprivate func reason(_ document: JSONDocument?) -> String {
        let root = document?.root
        let said =
            ["message", "error", "error_message", "description"].lazy.compactMap { root?[$0]?.string }.first
            ?? root?["errors"]?[0]?.string
        return "the provider answered \(status)" + (said.map { ": \($0.prefix(200))" } ?? "")
    }
}

/// The date form of HTTP (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
struct HTTPDate {
    let timestamp: Timestamp

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    init?(_ text: String) {
        let parts = text.split { $0 == " " || $0 == "," || $0 == "-" }
        guard parts.count >= 5, let day = Int(parts[1]), let month = Self.months.firstIndex(of: parts[2].lowercased()),
            let year = Int(parts[3]), (1970...9999).contains(year),
            (1...CivilDate.days(inMonth: month + 1, of: year)).contains(day)
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        let days = CivilDate(year: year, month: month + 1, day: day).daysSinceEpoch
        timestamp = Timestamp(seconds: Int64(days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]))
    }
}
