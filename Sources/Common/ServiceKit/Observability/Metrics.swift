import Synchronization

/// The process's counters and gauges, written as Prometheus text (exposition format 0.0.4).
public final class Metrics: Sendable {
    /// One series: a number that grows, or that is set. Keep it where it is used often.
    public final class Counter: Sendable {
        private let number = Mutex(0.0)

        /// Adds to the number.
        public func add(_ amount: Double = 1) { number.withLock { $0 += amount } }
        /// Sets the number.
        public func set(to value: Double) { number.withLock { $0 = value } }
        /// The number now.
        public var value: Double { number.withLock { $0 } }
    }

    private struct Family {
        var help: String
        var kind: String
        /// By the text of the labels.
        var series: [String: Counter] = [:]
    }
    private let families = Mutex<[String: Family]>([:])
    private let updates = Mutex<[@Sendable () async -> Void]>([])

    public init() {}

    /// The series of these labels, made if it is new.
    public func counter(_ name: MetricName, _ labels: [(String, String)] = []) -> Counter {
        series(name, "counter", labels)
    }

    /// Adds to a counter.
    public func add(_ amount: Double = 1, to name: MetricName, _ labels: [(String, String)] = []) {
        series(name, "counter", labels).add(amount)
    }

    /// Sets a gauge.
    public func set(_ name: MetricName, to value: Double, _ labels: [(String, String)] = []) {
        series(name, "gauge", labels).set(to: value)
    }

    /// Has something brought up to date each time the numbers are asked for: a lag, a size.
    public func beforeScrape(_ update: @escaping @Sendable () async -> Void) { updates.withLock { $0.append(update) } }

    /// Brings everything up to date and writes it.
    public func scrape() async -> String {
        for update in updates.withLock({ $0 }) { await update() }
        return text()
    }

    /// All series as Prometheus text.
    public func text() -> String {
        families.withLock { $0 }.sorted { $0.key < $1.key }.map { name, family in
            "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind)\n"
                + family.series.sorted { $0.key < $1.key }.map { labels, counter in
                    "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(counter.value)\n"
                }.joined()
        }.joined()
    }

    private func series(_ name: MetricName, _ kind: String, _ labels: [(String, String)]) -> Counter {
        let text = labels.map { "\($0.0)=\"\($0.1.escapedForPrometheus)\"" }.joined(separator: ",")
        return families.withLock { families in
            if let counter = families[name.name]?.series[text] { return counter }
            let counter = Counter()
            families[name.name, default: Family(help: name.help, kind: kind)].series[text] = counter
            return counter
        }
    }
}

extension String {
    fileprivate var escapedForPrometheus: String {
        reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }
}
