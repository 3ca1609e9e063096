import Common
import Crypto
import DequeModule
import Synchronization

/// The deliveries of the last hours, so that a repeated one is known.
///
/// The log is the durable record: the window is filled from its end at start. Of deliveries with one id that come at
/// the same time, one goes on; the others wait for what becomes of it.
final class DeliveryWindow: Sendable {
    /// A delivery: 16 bytes of a digest of its stream and id.
    struct Key: Hashable, Sendable {
        private let high: UInt64
        private let low: UInt64

        /// Half of a digest spreads as well as all of it.
        func hash(into hasher: inout Hasher) { hasher.combine(low) }

        init(stream: some Sequence<UInt8>, delivery: some Sequence<UInt8>) {
            var named = Array(stream)
            named.append(0)
            named.append(contentsOf: delivery)
            var hash = SHA256()
            named.withUnsafeBytes { hash.update(bufferPointer: $0) }
            (high, low) = hash.finalize().withUnsafeBytes {
                ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
        }
    }

    /// What a delivery is.
    enum Claim: Sendable {
        /// Nobody brought it before: the caller takes it in and then says ``settle(_:isAccepted:at:)``.
        case first
        case duplicate
    }

    private enum Entry {
        /// Somebody is taking it in; these wait for whether it worked.
        case pending([CheckedContinuation<Bool, Never>])
        case accepted
    }
    private struct State {
        var entries: [Key: Entry] = [:]
        var order: Deque<(key: Key, at: Timestamp)> = []
    }
    private let state = Mutex(State())
    private let maximumCount: Int
    private let seconds: Int

    init(maximumCount: Int, seconds: Int) {
        self.maximumCount = maximumCount
        self.seconds = seconds
    }

    /// How many deliveries are remembered.
    var count: Int { state.withLock { $0.order.count } }

    /// Says whether a delivery is new, waiting for one that is being taken in at this moment.
    func claim(_ key: Key) async -> Claim {
        while true {
            if let claim = claimNow(key) { return claim }
            let isAccepted = await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard case .pending(let waiting) = state.entries[key] else { return true }
                    state.entries[key] = .pending(waiting + [continuation])
                    return false
                }
                if isOver { continuation.resume(returning: false) }  // look again
            }
            if isAccepted { return .duplicate }
        }
    }

    /// Says whether a delivery is new; nil where that is for another to show, which ``claim(_:)`` waits for.
    func claimNow(_ key: Key) -> Claim? {
        state.withLock { state in
            switch state.entries[key] {
            case .accepted: return .duplicate
            case .pending: return nil
            case nil:
                state.entries[key] = .pending([])
                return .first
            }
        }
    }

    /// Says what became of a delivery that was claimed first.
    func settle(_ key: Key, isAccepted: Bool, at now: Timestamp) {
        let waiting = state.withLock { state in
            let waiting: [CheckedContinuation<Bool, Never>] =
                if case .pending(let waiting) = state.entries[key] { waiting } else { [] }
            if isAccepted {
                remember(key, at: now, &state)
            } else {
                state.entries[key] = nil
            }
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: isAccepted) }
    }

    private func remember(_ key: Key, at time: Timestamp, _ state: inout State) {
        if case .accepted = state.entries[key] { return }
        state.entries[key] = .accepted
        state.order.append((key, time))
        let oldest = time.advanced(bySeconds: -Double(seconds))
        while let first = state.order.first, state.order.count > maximumCount || first.at < oldest {
            state.order.removeFirst()
            state.entries[first.key] = nil
        }
    }

    /// Remembers the deliveries among the last records of the log.
    func fill(from log: any EventLog, records: Int, now: Timestamp) async throws {
        let oldest = now.advanced(bySeconds: -Double(seconds))
        let bounds = try await log.bounds(of: .raw)
        var found: [(key: Key, at: Timestamp)] = []
        for partition in bounds {
            var at = max(partition.first, partition.end - Int64(records / max(1, bounds.count)))
            while at < partition.end {
                let batch = try await log.read(.raw, partition: partition.partition, from: at, limit: 1000)
                guard !batch.isEmpty else { break }
                for i in 0..<batch.count where batch.timestamp(at: i) >= oldest {
                    let headers = batch.headers(at: i)
                    guard headers.bytes(RawHeader.how)?.elementsEqual("push".utf8) == true,
                        let stream = headers.bytes(RawHeader.stream), let delivery = headers.bytes(RawHeader.delivery)
                    else { continue }
                    found.append((Key(stream: stream, delivery: delivery), batch.timestamp(at: i)))
                }
                at = batch.offset(at: batch.count - 1) + 1
            }
        }
        found.sort { $0.at < $1.at }
        state.withLock { state in
            for (key, time) in found { remember(key, at: time, &state) }
        }
    }
}
