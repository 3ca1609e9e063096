import ByteJSON
import Common
import Connectors
import ServiceKit

/// What a set-up makes: records for the database and the topic, and secrets to be shown once.
struct SetUp: Sendable {
    /// A stream that was made, as its maker is told.
    struct NewStream: Sendable {
        var record: StreamRecord
        var registration: EntityPlan.Registration
        /// Shown once; nil where nothing is received, where the caller brought it along, or where we tell the provider.
        var secret: Secret?
    }

    var connections: [ConnectionRecord] = []
    var streams: [NewStream] = []
    /// Whether the providers were asked already.
    var isChecked: Bool

    /// The job that there is to do; nil if nothing is to be done at any provider.
    ///
    /// - Parameter isWhole: Whether the workspace goes too, if it fails.
    func order(isWhole: Bool) -> WorkspaceSetup.Order? {
        let hooks = streams.filter { $0.registration == .automatic }.map(\.record.id)
        guard needsJob else { return nil }
        return WorkspaceSetup.Order(
            isWhole: isWhole, connections: connections.map(\.id), streams: streams.map(\.record.id), hooks: hooks,
            checks: !isChecked)
    }

    private let needsJob: Bool

    /// Decides on the records of new streams; entities with equal settings share a connection.
    ///
    /// Streams that are yet to be set up at providers rest until that is done.
    ///
    /// - Parameters:
    ///   - existing: The connection that the streams are to use; nil makes connections.
    ///   - isChecked: Whether the providers were asked already.
    init(
        _ plans: [EntityPlan], in workspace: WorkspaceRecord, existing: ConnectionID? = nil, isChecked: Bool,
        vault: Vault, at now: Timestamp
    ) throws {
        self.isChecked = isChecked
        needsJob = !plans.isEmpty && (!isChecked || plans.contains { $0.registration == .automatic })
        var made: [[UInt8]: ConnectionID] = [:]
        for plan in plans {
            let identity = plan.connection.identity
            let connection: ConnectionID
            if let known = existing ?? made[identity] {
                connection = known
            } else {
                connection = .make(at: now)
                made[identity] = connection
                connections.append(try plan.connection.record(connection, workspace: workspace, vault: vault))
            }
            let receives = plan.connector.receive != nil
            let generated = receives && plan.webhookSecret == nil ? Secret.makeWebhookSecret() : nil
            let isOurs = plan.registration == .automatic
            let record = try plan.record(
                .make(at: now), connection: connection, workspace: workspace,
                secret: plan.webhookSecret ?? generated, vault: vault, status: needsJob ? .paused : .active, at: now)
            streams.append(
                NewStream(
                    record: record, registration: plan.registration, secret: isOurs ? nil : generated))
        }
    }
}

extension Provider {
    /// Tries what is planned at the providers, a few at a time, and tells the body what they refuse.
    func check(_ plans: [EntityPlan], tell refuse: (_ pointer: String, _ reason: String) -> Void) async {
        let refusals = await withTaskGroup(of: (Int, String?).self) { group in
            var waiting = Array(plans.indices.reversed())
            func start() {
                guard let i = waiting.popLast() else { return }
                group.addTask {
                    do throws(Refusal) {
                        try await check(plans[i].connection, entity: plans[i].entity)
                        return (i, nil)
                    } catch {
                        return (i, error.description)
                    }
                }
            }
            for _ in 0..<8 { start() }
            var found: [Int: String] = [:]
            for await (i, reason) in group {
                found[i] = reason
                start()
            }
            return found
        }
        for (i, reason) in refusals.sorted(by: { $0.key < $1.key }) { refuse(plans[i].pointer, reason) }
    }
}
