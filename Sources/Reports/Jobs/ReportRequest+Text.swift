import Common

/// What a report says of itself.
extension ReportRequest {
    /// The first line of a page: whose feedback, and of what time.
    func heading(_ period: String) -> String {
        [workspaceName ?? "", period].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// The range as people say it.
    var period: String {
        let ends = ["from", "to"].compactMap { (try? parameters.one($0)).flatMap { Timestamp($0) } }
        guard ends.count == 2, let zone = ZoneCache.shared[(try? parameters.one("timezone")) ?? "UTC"] else {
            return ""
        }
        let local = ends.map { LocalTime(instant: $0.milliseconds, zone: zone).description }
        return InsightReportHTML.period(local[0], local[1])
    }

    /// Which feedback it is about; empty is all of it.
    var scope: String {
        let filters = FeedbackFilter.parameterNames.compactMap { name -> String? in
            let values = name == "q" ? [(try? parameters.one(name)) ?? ""] : parameters.list(name)
            let all = values.joined(separator: ", ")
            if all.isEmpty { return nil }
            return name == "q" ? "with “\(all)”" : "\(name.replacing("_", with: " ")) \(all)"
        }
        return filters.isEmpty ? "" : "Only feedback of \(filters.joined(separator: "; "))."
    }
}
