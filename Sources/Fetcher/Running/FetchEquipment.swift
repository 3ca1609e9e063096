import ServiceKit

/// What all visits of a fetcher share.
struct FetchEquipment: Sendable {
    let context: RoleContext
    let settings: FetcherSettings
    let store: FetcherStore
    let gates: ConnectionGates
    let metrics: FetcherMetrics
}

/// The fetcher's series.
struct FetcherMetrics: Sendable {
    let appended: Metrics.Counter
    let tooLarge: Metrics.Counter
    let bytes: Metrics.Counter
    let busy: Metrics.Counter
    let wait: Metrics.Counter

    init(_ metrics: Metrics) {
        appended = metrics.counter(.stageItems, [("stage", "fetch"), ("outcome", "appended")])
        tooLarge = metrics.counter(.stageItems, [("stage", "fetch"), ("outcome", "too_large")])
        bytes = metrics.counter(.stageBytes, [("stage", "fetch")])
        busy = metrics.counter(.stageBusy, [("stage", "fetch")])
        wait = metrics.counter(.stageWait, [("stage", "fetch")])
    }
}
