import Common

extension Fact {
    /// What is counted of feedback that is stored.
    init(of arrival: Arrival, isMerged: Bool, words: inout WordNumbers) throws {
        var topics: [Int64] = []
        for topic in arrival.topics {
            let number = try words.number(.topic, topic)
            if number != 0, !topics.contains(number) { topics.append(number) }
        }
        self.init(
            workspace: try words.number(.workspace, arrival.workspace.rawValue), timestamp: arrival.timestamp,
            feedback: arrival.id, origin: try words.number(.origin, arrival.origin),
            language: try words.number(.language, arrival.language), sentiment: arrival.sentiment,
            intent: try words.number(.intent, arrival.intent.rawValue), topics: topics, score: arrival.score,
            rating: arrival.rating, version: try words.number(.version, arrival.version),
            platform: try words.number(.platform, arrival.platform),
            country: try words.number(.country, arrival.country), author: arrival.author, isMerged: isMerged)
    }
}
