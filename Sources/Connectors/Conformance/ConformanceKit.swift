public import ByteJSON
import Common
public import Foundation

/// What every connector must do, tried on payloads as its provider sends them.
///
/// A fixture folder holds `stream.json` (`{"config": …, "entity": …, "mapping": …}`) and one file a case.
public struct ConformanceKit: Sendable {
    /// Whether a case went as expected.
    public struct Result: Sendable {
        public var name: String
        public var about: String
        /// What did not; empty is a pass.
        public var failures: [String]
        public init(name: String, about: String, failures: [String]) {
            self.name = name
            self.about = about
            self.failures = failures
        }
    }

    public let manifest: Manifest
    public let facts: StreamFacts
    public let cases: [ConformanceCase]
    private let mapper: Mapper

    /// When the kit's raw events were taken in.
    static let receivedAt = "2024-01-01T00:00:00.000Z"

    /// Reads a fixture folder.
    ///
    /// - Throws: ``ManifestProblem`` naming the file that is wrong.
    public init(manifest: Manifest, folder: URL) throws(ManifestProblem) {
        let settingsFile = folder.appending(path: "stream.json")
        guard let data = try? Data(contentsOf: settingsFile), let document = try? JSONDocument(parsing: Array(data))
        else { throw ManifestProblem(file: settingsFile.path, reason: "is missing, or is not JSON") }
        let settings = JSON(document.root)
        facts = StreamFacts(
            id: "st_fixture", name: "fixture", entity: settings["entity"]?.object ?? [:],
            config: settings["config"]?.object ?? [:], mapping: settings["mapping"])
        let checked = manifest.spec.check(connection: facts.config, stream: facts.entity)
        if let problem = checked.problems.first {
            throw ManifestProblem(file: settingsFile.path, reason: problem.description)
        }
        var completed = facts
        completed.config = checked.connection
        completed.entity = checked.stream
        do {
            mapper = try Mapper(manifest: manifest, stream: completed)
        } catch {
            throw ManifestProblem(file: settingsFile.path, reason: error.description)
        }
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        var cases: [ConformanceCase] = []
        for file in files.sorted(by: { $0.lastPathComponent < $1.lastPathComponent })
        where file.pathExtension == "json" && file.lastPathComponent != "stream.json" {
            cases.append(try ConformanceCase(file: file))
        }
        guard !cases.isEmpty else { throw ManifestProblem(file: folder.path, reason: "holds no case") }
        self.manifest = manifest
        self.cases = cases
    }

    /// Tries all cases.
    public func run() -> [Result] { cases.map(run) }

    /// Tries one case.
    public func run(_ test: ConformanceCase) -> Result {
        var failures: [String] = []
        let events = events(of: test, &failures)
        let outcomes = events?.flatMap { mapper.map($0.payload, headers: $0.headers) }
        if let expected = test.expected {
            let actual = (outcomes ?? []).map(\.json)
            if outcomes == nil {
                failures.append("the delivery was ignored")
            } else if actual != expected {
                failures.append("gave \(JSON.array(actual).text)\nexpected \(JSON.array(expected).text)")
            }
        } else if outcomes != nil {
            failures.append("the delivery was not ignored")
        }
        for event in events ?? [] {
            if mapper.map(event.payload, headers: event.headers) != mapper.map(event.payload, headers: event.headers) {
                failures.append("a replay gave something else")
            }
            let half = event.payload.prefix(event.payload.count / 2)
            guard case .malformed = mapper.map(half, headers: event.headers).first else {
                if event.isForm { continue }
                failures.append("half a payload is not malformed")
                continue
            }
        }
        if let name = test.sameAs { failures += compareIdentity(outcomes ?? [], with: name) }
        return Result(name: test.name, about: test.about, failures: failures)
    }

    private struct Event {
        var payload: [UInt8]
        var headers: RecordHeaders
        var isForm = false
    }

    /// The raw events that a case leads to; nil if its delivery is ignored.
    private func events(of test: ConformanceCase, _ failures: inout [String]) -> [Event]? {
        switch test.input {
        case .imported(let row):
            return [Event(payload: row.bytes, headers: headers("import", [RawHeader.delivery: "import:1"]))]
        case .push(let payload):
            return push(payload.bytes, contentType: "application/json", test, &failures)
        case .form(let text):
            return push(Array(text.utf8), contentType: "application/x-www-form-urlencoded", test, &failures)
        case .pull(let page, let name):
            guard let source = Self.source(name, in: manifest.read) else {
                failures.append("the connector has no source `\(name)`")
                return []
            }
            return pull(page, source, &failures)
        }
    }

    private func push(
        _ body: [UInt8], contentType: String, _ test: ConformanceCase, _ failures: inout [String]
    ) -> [Event]? {
        guard let receiver = manifest.receive else {
            failures.append("the connector receives nothing")
            return []
        }
        let document = try? Payload.document(body, contentType: contentType, formField: receiver.formField)
        let scope = MappingScope(
            item: document?.root, body: document?.root, headers: .lookup { test.headers[$0] })
        let isHandshake = receiver.handshakes.contains { $0.when.holds(in: scope) }
        if isHandshake || receiver.ignore?.holds(in: scope) == true { return nil }
        var facts = [RawHeader.contentType: contentType, RawHeader.delivery: "delivery-1"]
        for name in receiver.keepHeaders { facts[RawHeader.kept + name] = test.headers[name] }
        return [Event(payload: body, headers: headers("push", facts), isForm: contentType.hasSuffix("urlencoded"))]
    }

    /// A page's items as the fetcher cuts them out. What keys them must be what the mapping identifies them by.
    private func pull(_ page: JSON, _ source: ReadSource, _ failures: inout [String]) -> [Event] {
        guard let document = try? JSONDocument(parsing: page.bytes) else { return [] }
        var events: [Event] = []
        guard let found = Path(source.items).value(in: document.root) else { return [] }
        for item in found.kind == .array ? Array(found.elements) : [found] {
            var scope = MappingScope(item: item, root: document.root, entity: facts.entity, config: facts.config)
            if source.skip?.holds(in: scope) == true { continue }
            var context: [String: JSON] = [:]
            for (name, value) in source.context {
                scope.item = document.root
                context[name] = value.evaluate(in: scope)?.json
            }
            scope.item = item
            var values = [RawHeader.source: source.name]
            if !context.isEmpty { values[RawHeader.context] = JSON.object(context).text }
            let event = Event(payload: Array(item.raw), headers: headers("pull", values))
            events.append(event)
            guard case .item(let mapped) = mapper.map(event.payload, headers: event.headers).first else { continue }
            let id = source.id.evaluate(in: scope)?.string
            let instance = source.instance?.evaluate(in: scope)?.string
            if id != mapped.externalID || (instance ?? mapped.instance) != mapped.instance {
                failures.append(
                    "the source keys it \(instance ?? ""):\(id ?? ""), the mapping \(mapped.instance):\(mapped.externalID)")
            }
        }
        return events
    }

    private func headers(_ how: String, _ values: [String: String]) -> RecordHeaders {
        var headers: RecordHeaders = [RawHeader.how: how, RawHeader.receivedAt: Self.receivedAt]
        for (name, value) in values.sorted(by: { $0.key < $1.key }) { headers.append(name, value) }
        return headers
    }

    private func compareIdentity(_ outcomes: [MappingOutcome], with name: String) -> [String] {
        guard let other = cases.first(where: { $0.name == name }) else { return ["there is no case `\(name)`"] }
        var ignored: [String] = []
        let others = (events(of: other, &ignored) ?? []).flatMap { mapper.map($0.payload, headers: $0.headers) }
        let same = Self.identities(outcomes) == Self.identities(others)
        return same ? [] : ["its identity differs from that of `\(name)`"]
    }

    private static func identities(_ outcomes: [MappingOutcome]) -> [[String]] {
        outcomes.compactMap { if case .item(let item) = $0 { [item.instance, item.externalID] } else { nil } }
    }

    private static func source(_ name: String, in sources: [ReadSource]) -> ReadSource? {
        for source in sources {
            if source.name == name { return source }
            if let nested = Self.source(name, in: source.nested) { return nested }
        }
        return nil
    }
}
