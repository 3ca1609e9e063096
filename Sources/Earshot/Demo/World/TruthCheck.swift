public import ByteJSON

/// One number of a report beside what it must be.
public struct TruthCheck: Sendable, Codable, Hashable {
    public var name: String
    public var truth: Double
    public var found: Double
    /// How far it may be off; 0 where counting is exact, more where an engine judges.
    public var tolerance: Double
    public var holds: Bool

    public init(_ name: String, truth: Double, found: Double, tolerance: Double = 0) {
        self.name = name
        self.truth = truth
        self.found = found
        self.tolerance = tolerance
        holds = abs(truth - found) <= tolerance + 1e-6
    }
}

extension Truth {
    /// Holds every number of an insight report against the truth.
    ///
    /// - Parameter report: The answer to a question over the whole time, by day in UTC, grouped by source and language.
    public func check(report: JSONValue) -> [TruthCheck] {
        let totals = report["totals"]
        func number(_ value: JSONValue?) -> Double { value?.double ?? -1 }
        var checks = [
            TruthCheck("feedback", truth: Double(feedback), found: number(totals?["feedback"])),
            TruthCheck("merged", truth: Double(merged), found: number(totals?["merged"])),
            TruthCheck("authors", truth: Double(authors), found: number(totals?["authors"])),
            TruthCheck(
                "average rating", truth: averageRating, found: number(totals?["average_rating"]), tolerance: 0.005),
        ]
        for (source, count) in bySource.sorted(by: { $0.key < $1.key }) {
            let row = report["breakdowns"]?["source"]?.elements.first { $0["value"]?.string == source }
            checks.append(TruthCheck("source \(source)", truth: Double(count), found: number(row?["feedback"])))
        }
        var days: [String: Int] = [:]
        for bucket in report["series"].map({ Array($0.elements) }) ?? [] {
            guard let start = bucket["start"]?.string, let count = bucket["feedback"]?.int64, count > 0 else {
                continue
            }
            days[String(start.prefix(10))] = Int(count)
        }
        let wrong = Set(days.keys).union(byDay.keys).filter { days[$0] != byDay[$0] }.count
        checks.append(TruthCheck("days that differ", truth: 0, found: Double(wrong)))
        let scale = Double(max(1, feedback))
        for (name, count) in sentiment.sorted(by: { $0.key < $1.key }) {
            checks.append(
                TruthCheck(
                    "\(name), by the engine", truth: Double(count), found: number(totals?["sentiment"]?[name]),
                    tolerance: 0.2 * scale))
        }
        for (name, count) in byLanguage.sorted(by: { $0.key < $1.key }) {
            let row = report["breakdowns"]?["language"]?.elements.first { $0["value"]?.string == name }
            checks.append(
                TruthCheck(
                    "language \(name), by the engine", truth: Double(count), found: number(row?["feedback"]),
                    tolerance: 0.02 * scale))
        }
        return checks
    }
}
