import Common

extension WorkspaceRecord {
    /// Whether a rule or the policy of the workspace keeps this feedback out; a deleted workspace takes nothing in.
    func keepsOut(_ arrival: Arrival) -> Bool {
        if isDeleted { return true }
        guard personalData == .drop || !filters.isEmpty, let feedback = arrival.feedback else { return false }
        if personalData == .drop, !feedback.personalData.isEmpty { return true }
        return filters.contains { $0.matches(feedback) }
    }
}

extension FilterRule {
    func matches(_ feedback: Feedback) -> Bool {
        switch field {
        case .text: matches(feedback.text)
        case .title: matches(feedback.title)
        case .author: [feedback.author.id, feedback.author.name, feedback.author.email].contains { matches($0) }
        case .language: matches(feedback.language)
        case .source: matches(feedback.source.name)
        case .label: feedback.labels.contains { matches($0) }
        case .url: matches(feedback.url)
        }
    }

    private func matches(_ text: String?) -> Bool {
        guard let text, !value.isEmpty else { return false }
        return switch match {
        case .equals: text.lowercased() == value.lowercased()
        case .contains: text.lowercased().contains(value.lowercased())
        }
    }
}
