import Common

/// The facts in a raw event's headers that the parser itself needs, read in one pass.
struct RawFacts: Sendable {
    private(set) var workspace: ArraySlice<UInt8> = []
    private(set) var stream: ArraySlice<UInt8> = []
    private(set) var how: ArraySlice<UInt8> = []
    private(set) var receivedAt: ArraySlice<UInt8> = []
    /// A mapping that came with the event, laid over the stream's.
    private(set) var mapping: ArraySlice<UInt8> = []
    /// The event that this one takes back.
    private(set) var withdraws: ArraySlice<UInt8> = []
    private(set) var attempt = 1
    /// Whether it was read and counted in another installation.
    private(set) var isCarried = false
    let headers: RecordHeaders

    init(_ headers: RecordHeaders) {
        self.headers = headers
        for (name, value) in headers.all {
            switch name {
            case RawHeader.workspace: workspace = value
            case RawHeader.stream: stream = value
            case RawHeader.how: how = value
            case RawHeader.receivedAt: receivedAt = value
            case RawHeader.mapping: mapping = value
            case RawHeader.withdraws: withdraws = value
            case RawHeader.attempt: attempt = Int(String(decoding: value, as: UTF8.self)) ?? 1
            case RawHeader.carriedFrom: isCarried = true
            default: break
            }
        }
    }
}
