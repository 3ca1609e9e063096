import ByteJSON
import Common
import Connectors
import Crypto
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceKit
import Synchronization

/// `POST /hooks/{stream}`: bounds, signature, window, log, and only then 202.
final class HookController: Sendable {
    private let log: any EventLog
    private let counters: HookCounters
    private let logger: Logger
    private let publicURL: String
    private let now: @Sendable () -> Timestamp
    private let settings: WebhookSettings
    private let targets: HookTargets
    private let bodies: BodyReader
    private let window: DeliveryWindow
    /// Whether the last append failed: that is told once.
    private let isRefusing = Atomic(false)

    init(
        context: RoleContext, settings: WebhookSettings, targets: HookTargets, bodies: BodyReader,
        window: DeliveryWindow
    ) {
        log = context.log
        counters = HookCounters(context.metrics)
        logger = context.logger
        publicURL = context.publicURL
        now = context.now
        self.settings = settings
        self.targets = targets
        self.bodies = bodies
        self.window = window
    }

    func addRoutes(to router: Router<APIContext>) {
        router.post("/hooks/:stream") { [self] request, context in
            do {
                return try await receive(request, context)
            } catch let problem as Problem {
                counters.refused(problem.status.code).add()
                throw problem
            }
        }
    }

    private func receive(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = context.parameters.get("stream") ?? ""
        let target = if let known = targets.known(id) { known } else { try await targets.target(id) }
        guard target.rate.admits(at: now()) else {
            throw Problem(
                .tooManyRequests, code: "too_many_requests",
                "this stream takes \(settings.deliveriesPerSecond) a second",
                retryAfter: 1)
        }
        let headers = ReceivedHeaders(request.headers)
        guard target.takes(headers["content-type"]) else {
            throw Problem(
                .unsupportedMediaType, code: "unsupported_media_type",
                "send \(target.receiver.contentTypes.joined(separator: " or "))")
        }
        let limit = target.receiver.maximumBodyBytes
        return try await bodies.withBody(of: request, headers, context, limit: limit) { body in
            let delivery = ReceivedDelivery(
                headers: headers, method: request.method.rawValue, server: publicURL, target: request.uri.string,
                body: body.bytes, formField: target.receiver.formField)
            switch try judge(delivery, body, target) {
            case .answer(let response): return response
            case .takeIn(let id): return try await takeIn(delivery, id: id, target)
            }
        }
    }

    private enum Judgement {
        case answer(Response)
        case takeIn(id: String)
    }

    /// What is to be done with a delivery.
    ///
    /// Nothing is said of the body before its signature is known to be right.
    private func judge(_ delivery: ReceivedDelivery, _ body: BodyReader.Body, _ target: HookTarget) throws -> Judgement
    {
        let receiver = target.receiver
        if receiver.handshakes.contains(where: { !$0.signed }), let scope = try? delivery.scope(),
            let response = handshake(receiver.handshakes.filter { !$0.signed }, scope)
        {
            return .answer(response)
        }
        guard isSigned(delivery, body, target) else {
            throw Problem.unauthorized("the delivery is not signed with a secret of this stream, or is too old")
        }
        // Most deliveries need no more than to be valid JSON.
        do {
            _ = try delivery.document()
            if !receiver.handshakes.isEmpty, let response = try handshake(receiver.handshakes, delivery.scope()) {
                return .answer(response)
            }
            let isIgnored = try receiver.ignore.map { try $0.holds(in: delivery.scope()) } ?? false
            if isIgnored {
                counters.ignored.add()
                return .answer(Self.answer("ignored"))
            }
        } catch let error as JSONError {
            throw Problem.badRequest("the payload is \(error)")
        }
        return .takeIn(id: Self.id(of: delivery, target))
    }

    private func isSigned(_ delivery: ReceivedDelivery, _ body: BodyReader.Body, _ target: HookTarget) -> Bool {
        let now = now()
        if target.verifier.accepts(delivery, at: now) { return true }
        // Some senders sign what they have compressed.
        guard body.wasCompressed else { return false }
        return target.verifier.accepts(delivery.with(body: body.wire), at: now)
    }

    private func handshake(_ handshakes: [Handshake], _ scope: MappingScope) -> Response? {
        guard let handshake = handshakes.first(where: { $0.when.holds(in: scope) }) else { return nil }
        counters.handshake.add()
        guard let echo = handshake.echo else { return Response(status: .ok) }
        let text = scope.value(at: Path(echo))?.string ?? ""
        return Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    /// The sender's own id of the delivery, or a digest of what it brings.
    private static func id(of delivery: ReceivedDelivery, _ target: HookTarget) -> String {
        let own = target.deliveryPlaces.compactMap { $0.value(in: delivery) }.filter { !$0.isEmpty }
        if !own.isEmpty {
            let id = own.joined(separator: ":")
            if id.utf8.count <= 200 { return id }
        }
        return "sha256-" + Base32.encode(SHA256.hash(data: delivery.body).prefix(20))
    }

    private func takeIn(_ delivery: ReceivedDelivery, id: String, _ target: HookTarget) async throws -> Response {
        let key = DeliveryWindow.Key(stream: target.stream.id.rawValue.utf8, delivery: id.utf8)
        let claim = if let claim = window.claimNow(key) { claim } else { await window.claim(key) }
        guard case .first = claim else {
            counters.duplicate.add()
            return Self.answer("duplicate", id)
        }
        do {
            try await log.append(record(delivery, id: id, target), to: .raw)
            window.settle(key, isAccepted: true, at: now())
            if isRefusing.load(ordering: .relaxed) { isRefusing.store(false, ordering: .relaxed) }
        } catch {
            window.settle(key, isAccepted: false, at: now())
            throw problem(error)
        }
        counters.accepted.add()
        counters.bytes.add(Double(delivery.body.count))
        // Without a body: what a sender does not read would cost every delivery.
        return Response(status: .accepted)
    }

    private func record(_ delivery: ReceivedDelivery, id: String, _ target: HookTarget) -> RecordBatch {
        var headers = target.headers
        headers.reserveCapacity(512)
        headers.append(RawHeader.receivedAt, now().description)
        headers.append(RawHeader.contentType, delivery.headers["content-type"] ?? "application/json")
        headers.append(RawHeader.delivery, id)
        if let trace = delivery.header("traceparent"), trace.utf8.count <= 64 {
            headers.append(RawHeader.traceparent, trace)
        }
        for name in target.receiver.keepHeaders {
            if let value = delivery.header(name) { headers.append(RawHeader.kept + name, value) }
        }
        var batch = RecordBatch()
        batch.reserveCapacity(
            records: 1, bytes: id.utf8.count + headers.encoded.count + delivery.body.count)
        batch.append(key: id, headers: headers, value: delivery.body)
        return batch
    }

    /// Nothing was acknowledged: the sender is to come again.
    private func problem(_ error: any Error) -> Problem {
        if case EventLogError.recordTooLarge(_, let limit) = error { return .tooLarge(limit) }
        if !isRefusing.exchange(true, ordering: .relaxed) {
            logger.error(
                "deliveries cannot be put on the log; senders are asked to come again", metadata: ["error": "\(error)"])
        }
        return .unavailable("the delivery could not be stored; send it again", retryAfter: settings.retryAfter)
    }

    /// 200, with what was made of the delivery.
    private static func answer(_ word: String, _ delivery: String? = nil) -> Response {
        var writer = JSONWriter(reservingCapacity: 96)
        writer.beginObject()
        writer.member("status", word)
        if let delivery { writer.member("delivery", delivery) }
        writer.endObject()
        return .json(bytes: writer.bytes)
    }
}
