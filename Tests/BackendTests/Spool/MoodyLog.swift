import Common
import Synchronization
import TestKit

/// A real log that takes appends, or does not, or takes them and says that it did not.
final class MoodyLog: ForwardingLog {
    enum Mood: Sendable {
        case well
        /// Takes nothing.
        case away
        /// Takes all, and then fails: the answer is lost.
        case losesAnswers
        /// Takes the first half, and then fails.
        case takesHalf
        /// Takes what is appended when the mood changes.
        case hangs
    }

    private struct State {
        var mood = Mood.well
        var hanging: [CheckedContinuation<Void, Never>] = []
        var appends = 0
        var answered = 0
    }
    let base: any EventLog
    private let topic: Topic?
    private let state = Mutex(State())

    /// - Parameter topic: The only one that the mood is about; nil is all.
    init(_ base: any EventLog, topic: Topic? = nil) {
        self.base = base
        self.topic = topic
    }

    /// Appends that it was asked for.
    var appends: Int { state.withLock { $0.appends } }
    /// Appends that went well.
    var answered: Int { state.withLock { $0.answered } }
    /// Appends that it has and does not answer.
    var hanging: Int { state.withLock { $0.hanging.count } }

    func become(_ mood: Mood) {
        let hanging = state.withLock { state in
            state.mood = mood
            defer { state.hanging = [] }
            return state.hanging
        }
        for continuation in hanging { continuation.resume() }
    }

    func append(_ batch: RecordBatch, to topic: Topic) async throws -> [LogPosition] {
        if let about = self.topic, about.name != topic.name { return try await base.append(batch, to: topic) }
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                state.appends += 1
                guard case .hangs = state.mood else { return false }
                state.hanging.append(continuation)
                return true
            }
            if !isHeld { continuation.resume() }
        }
        switch state.withLock({ $0.mood }) {
        case .well, .hangs:
            let positions = try await base.append(batch, to: topic)
            state.withLock { $0.answered += 1 }
            return positions
        case .away: break
        case .losesAnswers: try await base.append(batch, to: topic)
        case .takesHalf: try await base.append(batch.part(0..<batch.count / 2), to: topic)
        }
        throw EventLogError.unavailable("told to fail")
    }

    func health() async -> LogHealth {
        if case .away = state.withLock({ $0.mood }) { return .unavailable(reason: "told to be away") }
        return await base.health()
    }
}

extension RecordBatch {
    func part(_ range: Range<Int>) -> RecordBatch {
        var batch = RecordBatch()
        for index in range { batch.append(key: key(at: index), headers: headers(at: index), value: value(at: index)) }
        return batch
    }
}
