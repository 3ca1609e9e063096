/// Waits until a condition holds, looking every few milliseconds.
///
/// For what another process or the operating system does. Where the code under test can wake you, let it.
///
/// - Throws: ``NeverHappened`` after `timeout`.
public func waitUntil(
    _ what: String, timeout: Duration = .seconds(60), _ holds: @Sendable () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + timeout
    while try await !holds() {
        if ContinuousClock.now > deadline { throw NeverHappened(what: what, timeout: timeout) }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// What a test waited for did not happen in time.
public struct NeverHappened: Error, CustomStringConvertible {
    public let what: String
    public let timeout: Duration
    public var description: String { "waited \(timeout) in vain: \(what)" }
}
