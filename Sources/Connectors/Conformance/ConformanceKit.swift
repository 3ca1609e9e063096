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
        var facts = StreamFacts(
            id: "st_fixture", name: "fixture", entity: settings["entity"]?.object ?? [:],
            config: settings["config"]?.object ?? [:], mapping: settings["mapping"])
        let checked = manifest.spec.check(connection: facts.config, stream: facts.entity)
        if let problem = checked.problems.first {
            throw ManifestProblem(file: settingsFile.path, reason: problem.description)
        }
        facts.config = checked.connection
        facts.entity = checked.stream
        self.facts = facts
        do {
            mapper = try Mapper(manifest: manifest, stream: facts)
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

    /// Tries all cases but those that are read over HTTP.
    public func run() -> [Result] { cases.filter { !$0.isProvider }.map(run) }

    /// Tries one case.
    public func run(_ test: ConformanceCase) -> Result {
        var failures: [String] = []
        do throws(MappingError) {
            let mapper = try mapper(for: test)
            let events = events(of: test, mapper, &failures)
            let found = Self.expectation(events, mapper)
            if let expected = test.expected {
                // In bytes: 2 and 2.0 are one number.
                if found.json.bytes != expected.json.bytes {
                    failures.append("gave \(found.json.text)\nexpected \(expected.json.text)")
                }
            } else {
                failures.append("has no `expect`; it gives \(found.json.text)")
            }
            for event in events ?? [] { failures += Self.abuse(event, mapper) }
            if let name = test.sameAs { try compareIdentity(of: events ?? [], mapper, with: name, &failures) }
        } catch {
            failures.append(error.description)
        }
        return Result(name: test.name, about: test.about, failures: failures)
    }

    /// What a case gives, to be looked over and kept as its expectation.
    public func outcome(of test: ConformanceCase) throws(MappingError) -> JSON {
        var failures: [String] = []
        let mapper = try mapper(for: test)
        return Self.expectation(events(of: test, mapper, &failures), mapper).json
    }

    /// The stream of a case, which may have settings and a mapping of its own.
    public func facts(for test: ConformanceCase) -> StreamFacts {
        var facts = facts
        if let mapping = test.mapping { facts.mapping = mapping }
        if let entity = test.entity { facts.entity = entity }
        return facts
    }

    private func mapper(for test: ConformanceCase) throws(MappingError) -> Mapper {
        let facts = facts(for: test)
        return facts == self.facts ? mapper : try Mapper(manifest: manifest, stream: facts)
    }

    private static func expectation(_ events: [Event]?, _ mapper: Mapper) -> ConformanceCase.Expectation {
        guard let events else { return .ignored }
        return .outcomes(events.flatMap { mapper.map($0.payload, headers: $0.headers) }.map(\.json))
    }

    /// A replay must give the same, and half a payload must be malformed.
    private static func abuse(_ event: Event, _ mapper: Mapper) -> [String] {
        var failures: [String] = []
        let once = mapper.map(event.payload, headers: event.headers)
        if once != mapper.map(event.payload, headers: event.headers) { failures.append("a replay gave something else") }
        if !event.isForm {
            let half = mapper.map(event.payload.prefix(event.payload.count / 2), headers: event.headers)
            if half.contains(where: { if case .malformed = $0 { false } else { true } }) {
                failures.append("half a payload is not malformed")
            }
        }
        return failures
    }

    private struct Event {
        var payload: [UInt8]
        var headers: RecordHeaders
        var isForm = false
    }

    /// The raw events that a case leads to; nil if its delivery is ignored.
    private func events(of test: ConformanceCase, _ mapper: Mapper, _ failures: inout [String]) -> [Event]? {
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
            return pull(page, source, facts(for: test), mapper, &failures)
        case .provider: return []
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
    private func pull(
        _ page: JSON, _ source: ReadSource, _ facts: StreamFacts, _ mapper: Mapper, _ failures: inout [String]
    ) -> [Event] {
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
                    "the source keys it \(instance ?? ""):\(id ?? ""), the mapping \(mapped.instance):\(mapped.externalID)"
                )
            }
        }
        return events
    }

    private func headers(_ how: String, _ values: [String: String]) -> RecordHeaders {
        var headers: RecordHeaders = [RawHeader.how: how, RawHeader.receivedAt: Self.receivedAt]
        for (name, value) in values.sorted(by: { $0.key < $1.key }) { headers.append(name, value) }
        return headers
    }

    private func compareIdentity(
        of events: [Event], _ mapper: Mapper, with name: String, _ failures: inout [String]
    ) throws(MappingError) {
        guard let other = cases.first(where: { $0.name == name }) else {
            return failures.append("there is no case `\(name)`")
        }
        var ignored: [String] = []
        let otherMapper = try self.mapper(for: other)
        let others = self.events(of: other, otherMapper, &ignored) ?? []
        let own = events.flatMap { mapper.map($0.payload, headers: $0.headers) }
        if Self.identities(own) != Self.identities(others.flatMap { otherMapper.map($0.payload, headers: $0.headers) })
        {
            failures.append("its identity differs from that of `\(name)`")
        }
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

extension ConformanceCase.Expectation {
    /// As a case's file has it.
    var json: JSON {
        switch self {
        case .ignored: "ignored"
        case .outcomes(let outcomes): .array(outcomes)
        case .externalIDs(let ids): .array(ids.map(JSON.string))
        }
    }
}

extension ConformanceKit {
    /// Writes what it gives into each case that has no expectation yet.
    ///
    /// - Throws: ``ManifestProblem`` naming the file that cannot be written.
    public func record() throws(ManifestProblem) {
        for test in cases where test.expected == nil && !test.isProvider {
            do {
                var text = try String(contentsOf: test.file, encoding: .utf8)
                guard let end = text.lastIndex(of: "}") else { continue }
                let before = text[..<end].trimmingCharacters(in: .whitespacesAndNewlines)
                text = before + ",\n  \"expect\": " + (try outcome(of: test)).indented(by: 2) + "\n}\n"
                try Data(text.utf8).write(to: test.file)
            } catch {
                throw ManifestProblem(file: test.file.path, reason: "cannot be recorded: \(error)")
            }
        }
    }
}

extension JSON {
    /// The value as text of several lines, of which all but the first are indented.
    fileprivate func indented(by depth: Int) -> String {
        let inner = String(repeating: " ", count: depth + 2)
        let outer = String(repeating: " ", count: depth)
        switch self {
        case .array(let elements) where !elements.isEmpty:
            let lines = elements.map { inner + $0.indented(by: depth + 2) }
            return "[\n" + lines.joined(separator: ",\n") + "\n" + outer + "]"
        case .object(let members) where !members.isEmpty:
            let lines = members.sorted { $0.key < $1.key }
                .map { inner + JSON.string($0.key).text + ": " + $0.value.indented(by: depth + 2) }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + outer + "}"
        default: return text
        }
    }
}
