import ByteJSON
import Common
import Connectors
import ServiceKit

/// Sends one request as often as it takes: within the connection's budget and breaker, with pauses in between.
struct PoliteClient {
    let equipment: FetchEquipment
    let connection: ConnectionID

    private var settings: FetcherSettings { equipment.settings }
    private var now: Timestamp { equipment.context.now() }

    /// - Returns: A response that is to be read; nil if there is nothing more, or nothing new.
    /// - Throws: ``ReadFailure``.
    func send(_ request: OutgoingRequest, of source: ReadSource, settings values: StreamSettings) async throws
        -> (IncomingResponse, JSONDocument)?
    {
        var failures = 0
        var waits = 0
        while true {
            try Task.checkCancellation()
            switch equipment.gates.admit(
                connection, at: now, perMinute: settings.keepsRequestBounds ? source.rate.perMinute : nil)
            {
            case .quota(let until):
                waits += 1
                try await sitOut(until, waits)
                continue
            case .broken(let until, let reason): throw ReadFailure.broken(until: until, reason: reason)
            case nil: break
            }

            let verdict: Verdict
            var answer: (IncomingResponse, JSONDocument?)?
            let begun = ContinuousClock.now
            do throws(HTTPTransportError) {
                let response = try await equipment.context.transport.send(request)
                let document = try? JSONDocument(parsing: response.body)
                answer = (response, document)
                verdict = source.judge(
                    response, document, settings: values, guessedWait: settings.guessedWait, now: now)
            } catch {
                if error == .cancelled {
                    equipment.gates.abandoned(connection, at: now)
                    throw CancellationError()
                }
                verdict = error.isTransient ? .retry(after: nil, reason: "\(error)") : .fail(reason: "\(error)")
            }
            equipment.metrics.wait.add((ContinuousClock.now - begun).seconds)

            switch verdict {
            case .read:
                if let (response, document) = answer {
                    if let until = source.rate.wait(in: response, document, now: now) {
                        equipment.gates.block(connection, until: until)
                    }
                    if let document {
                        equipment.gates.succeeded(connection)
                        return (response, document)
                    }
                }
                try await pause(&failures, nil, "the provider's answer is not JSON")
            case .end, .ignore:
                equipment.gates.succeeded(connection)
                return nil
            case .limited(let until, _):
                equipment.gates.succeeded(connection)
                equipment.gates.block(connection, until: until)
            case .retry(let after, let reason): try await pause(&failures, after, reason)
            case .fail(let reason):
                if answer == nil {
                    equipment.gates.failed(connection, at: now, reason: reason)
                } else {
                    equipment.gates.succeeded(connection)
                }
                throw ReadFailure.permanent(reason)
            }
        }
    }

    /// Waits for a quota here if that is short.
    private func sitOut(_ until: Timestamp, _ waits: Int) async throws {
        let seconds = Double(until.milliseconds - now.milliseconds) / 1000
        guard seconds <= settings.longestWaitInHand, waits <= 100 else { throw ReadFailure.quota(until: until) }
        try await Task.sleep(for: .seconds(max(0.001, seconds)))
    }

    private func pause(_ failures: inout Int, _ after: Double?, _ reason: String) async throws {
        equipment.gates.failed(connection, at: now, reason: reason)
        failures += 1
        guard failures <= settings.retries else { throw ReadFailure.transient(reason) }
        var generator = SystemRandomNumberGenerator()
        let backoff = Backoff(base: settings.firstPause, longest: settings.longestPause)
        let seconds = max(after ?? 0, backoff.pause(before: failures, using: &generator))
        guard seconds <= settings.longestPause else { throw ReadFailure.transient(reason) }
        try await Task.sleep(for: .seconds(seconds))
    }
}
