import HTTPTypes
import Hummingbird
import ServiceKit

/// How long a caller waits for a set-up: `Prefer: respond-async`, `Prefer: wait=30` (RFC 7240).
struct Preference: Sendable, Hashable {
    /// Seconds that a set-up is waited for if the caller says nothing, and at most.
    static let usual = 20
    static let longest = 60

    /// Whether the caller wants an answer at once, and leaves asking the providers to the job.
    var isAsync = false
    /// Seconds.
    var wait = usual

    /// - Throws: ``Problem`` 400 if `wait` is no whole number.
    init(_ request: Request) throws {
        var asked: Int?
        for value in request.headers[values: .init("Prefer")!] {
            for part in value.split(whereSeparator: { $0 == "," || $0 == ";" }) {
                let word = part.filter { $0 != " " && $0 != "\t" }.lowercased()
                if word == "respond-async" { isAsync = true }
                guard word.hasPrefix("wait=") else { continue }
                guard let seconds = Int(word.dropFirst(5)), seconds >= 0 else {
                    throw Problem.badRequest(
                        "`Prefer: wait` must be a whole number of seconds, at most \(Self.longest)")
                }
                asked = seconds
            }
        }
        wait = min(asked ?? (isAsync ? 0 : Self.usual), Self.longest)
    }
}
