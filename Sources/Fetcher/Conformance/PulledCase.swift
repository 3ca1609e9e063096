import ByteJSON
import Common
import Connectors
import ServiceKit

/// One case of a provider that is read over HTTP.
struct PulledCase: Sendable {
    enum Check: String, Sendable, CaseIterable {
        case pages, ties
        case emptyPage = "empty page"
        case unauthorised = "401"
        case tooManyRequests = "429"
        case serverError = "500"
        case malformedItem = "malformed item"
        case replay

        var about: String {
            switch self {
            case .pages: "All pages are asked for, each item is read once under its identity"
            case .ties: "Stopped at any request and begun again, items of one time are neither lost nor doubled"
            case .emptyPage: "A page without items is an end, and what comes later is read"
            case .unauthorised: "A refused login fails and says so; nothing is lost"
            case .tooManyRequests: "Retry-After is kept at any request; nothing is lost"
            case .serverError: "A stumbling provider is asked again at any request"
            case .malformedItem: "An item that is none stops nothing"
            case .replay: "What was read is not read again; a stream that begins anew gives the same keys"
            }
        }
    }

    private let test: ConformanceCase
    private let manifest: Manifest
    private let facts: StreamFacts
    private let mapper: Mapper
    private let answers: [ProviderAnswer]
    private let context: RoleContext
    private let workspace: WorkspaceRecord
    private let connection: ConnectionRecord

    init(_ test: ConformanceCase, _ kit: ConformanceKit, _ context: RoleContext) throws {
        self.test = test
        self.context = context
        manifest = kit.manifest
        facts = kit.facts(for: test)
        mapper = try Mapper(manifest: manifest, stream: facts)
        answers = if case .provider(let answers) = test.input { answers } else { [] }
        workspace = WorkspaceRecord(
            id: .make(), account: .make(), name: "conformance", createdAt: context.now(),
            sealedKey: try context.vault.makeSealedKey())
        connection = ConnectionRecord(
            id: .make(), workspace: workspace.id, connector: manifest.name, config: facts.config, sealedSecrets: nil)
    }

    /// What went wrong in a check; nothing is a pass.
    func failures(_ check: Check) async throws -> [String] {
        let provider = PlayedProvider(answers, bounded: bounded)
        return try await provider.run(through: context.transport, logger: context.logger) { transport in
            switch check {
            case .pages: try await pages(provider, transport)
            case .ties: try await ties(provider, transport)
            case .emptyPage: try await emptyPage(provider, transport)
            case .unauthorised: try await unauthorised(provider, transport)
            case .tooManyRequests: try await tooManyRequests(provider, transport)
            case .serverError: try await serverError(provider, transport)
            case .malformedItem: try await malformedItem(provider, transport)
            case .replay: try await replay(provider, transport)
            }
        }
    }

    /// What an undisturbed reading takes in.
    func identities() async throws -> [(source: String, identity: [String])] {
        let provider = PlayedProvider(answers, bounded: bounded)
        return try await provider.run(through: context.transport, logger: context.logger) { transport in
            let trial = trial(transport)
            _ = try await trial.turns()
            return try await trial.taken().compactMap { taken in
                item(of: taken).map { (taken.headers[RawHeader.source] ?? "", [$0.instance, $0.externalID]) }
            }
        }
    }

    // MARK: - Checks

    private func pages(_ provider: PlayedProvider, _ transport: any HTTPTransport) async throws -> [String] {
        let trial = trial(transport)
        var failures = try await readOn(trial)
        for answer in provider.unasked {
            let query = answer.query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
            failures.append("never asked for \(answer.path)" + (query.isEmpty ? "" : "?" + query))
        }
        for address in provider.unknown { failures.append("asked for \(address), which the case has no answer to") }
        if answers.count < 2 { failures.append("the case has one page; a second would show that paging works") }
        for taken in try await trial.taken() {
            guard let item = item(of: taken) else { continue }
            let id = FeedbackID.derive(
                workspace: workspace.id, connector: manifest.name, instance: item.instance,
                externalID: item.externalID)
            if taken.key != id.rawValue {
                failures.append(
                    "the source gives \(item.externalID) another identity than the mapping, "
                        + "\(item.instance):\(item.externalID); its `id` and `instance` must be those of the mapping")
            }
        }
        return failures
    }

    private func ties(_ provider: PlayedProvider, _ transport: any HTTPTransport) async throws -> [String] {
        var failures: [String] = []
        for source in sources where source.position != nil && [.ascending, .descending].contains(source.cursor.kind) {
            let pages = pages(of: source)
            let positions = pages.map { Set($0.items.compactMap(\.position)) }
            let isTied = positions.indices.contains { i in
                positions.indices.contains { $0 > i && !positions[i].isDisjoint(with: positions[$0]) }
            }
            if pages.contains(where: { !$0.items.isEmpty }), !isTied {
                failures.append(
                    "no two items on different pages of `\(source.name)` have one position; "
                        + "let a page end and the next begin with such")
            }
        }
        return try await failures
            + atEachRequest(provider, transport) { trial, number in
                provider.give(.from(number, status: 500))
                switch try await trial.turn() {
                case .caughtUp, .restless, .failed(.permanent):
                    return ["a server that keeps answering 500 must be tried again later"]
                case .failed:
                    provider.give(.none)
                    return []
                }
            }
    }

    private func emptyPage(_ provider: PlayedProvider, _ transport: any HTTPTransport) async throws -> [String] {
        let trial = trial(transport)
        provider.give(.changed { page in sources.reduce(page) { $0.replacing($1.items) { _ in [] } } })
        let ending = try await trial.turns()
        guard ending == .caughtUp else { return ["an empty page is no end: \(ending.reason)"] }
        let early = try await trial.taken().count
        guard early == 0 else { return ["\(early) items came out of empty pages"] }
        provider.give(.none)
        return try await readOn(trial)
    }

    private func unauthorised(_ provider: PlayedProvider, _ transport: any HTTPTransport) async throws -> [String] {
        let trial = trial(transport)
        provider.give(.from(0, status: 401))
        guard case .failed(.permanent(let reason)) = try await trial.turn() else { return ["a 401 must fail"] }
        guard !reason.isEmpty else { return ["a 401 fails without a reason"] }
        provider.give(.none)
        return try await readOn(trial)
    }

    private func tooManyRequests(_ provider: PlayedProvider, _ transport: any HTTPTransport) async throws -> [String] {
        try await atEachRequest(provider, transport) { trial, number in
            let until = trial.now.advanced(bySeconds: 7)
            provider.give(.once(number, status: 429, headers: ["Retry-After": "7"]))
            switch try await trial.turn() {
            case .failed(.quota(until)): return []
            case let ending:
                return ["a 429 with `Retry-After: 7` must wait until then, and not end so: \(ending.reason)"]
            }
        }
    }

    private func serverError(_ provider: PlayedProvider, _ transport: any HTTPTransport) async throws -> [String] {
        try await atEachRequest(provider, transport) { trial, number in
            provider.give(.once(number, status: 500))
            guard case .failed(.permanent(let reason)) = try await trial.turn() else { return [] }
            return ["a 500 must be tried again, and not fail for good: \(reason)"]
        }
    }

    private func malformedItem(_ provider: PlayedProvider, _ transport: any HTTPTransport) async throws -> [String] {
        let trial = trial(transport)
        provider.give(
            .changed { page in
                sources.reduce(page) { page, source in
                    page.replacing(source.items) { items in
                        guard var items = items.array else { return nil }
                        items.insert(contentsOf: [[:], "no item", .null], at: items.count / 2)
                        return .array(items)
                    }
                }
            })
        return try await readOn(trial)
    }

    private func replay(_ provider: PlayedProvider, _ transport: any HTTPTransport) async throws -> [String] {
        let trial = trial(transport)
        var failures = try await readOn(trial)
        let first = try await trial.taken()
        guard try await trial.turns() == .caughtUp else { return failures + ["a second reading came to no end"] }
        let again = try await trial.taken().count - first.count
        if again > 0 { failures.append("a second reading took \(again) items again") }
        let anew = self.trial(transport)
        _ = try await anew.turns()
        let keys = try await anew.taken().map(\.key)
        if Set(keys) != Set(first.map(\.key)) { failures.append("a stream that begins anew gives other keys") }
        return failures
    }

    // MARK: - Steps

    /// A page as the provider gives it that is asked for items from a position on.
    private var bounded: @Sendable (JSON, [String: String]) -> JSON {
        let settings = StreamSettings(config: facts.config, entity: facts.entity)
        let sources = sources.filter { $0.cursor.kind == .ascending }
        return { page, bounds in
            sources.reduce(page) { page, source in
                let parameter = source.request.query.first { $0.value.source.contains("cursor.position") }?.name
                guard let bound = parameter.flatMap({ bounds[$0] }).flatMap({ ReadPosition(.string($0)) }),
                    let document = try? JSONDocument(parsing: page.bytes)
                else { return page }
                let isBefore = Page(document, of: source, settings: settings).items.map { item in
                    switch (item.position, bound) {
                    case (.number(let position)?, .number(let bound)): position < bound
                    case (let position?, _): position.time.flatMap { time in bound.time.map { time < $0 } } ?? false
                    case (nil, _): false
                    }
                }
                return page.replacing(source.items) { items in
                    guard let items = items.array, items.count == isBefore.count else { return nil }
                    return .array(zip(items, isBefore).filter { !$1 }.map(\.0))
                }
            }
        }
    }

    /// Begins a new stream for each request that an undisturbed reading sends, and lets `disturb` make trouble there.
    private func atEachRequest(
        _ provider: PlayedProvider, _ transport: any HTTPTransport,
        _ disturb: (PullTrial, Int) async throws -> [String]
    ) async throws -> [String] {
        provider.give(.none)
        _ = try await trial(transport).turns()
        for number in 0..<provider.requests {
            let trial = trial(transport)
            var failures = try await disturb(trial, number)
            failures += try await readOn(trial)
            guard failures.isEmpty else { return failures.map { "at request \(number + 1): \($0)" } }
        }
        return []
    }

    private func trial(_ transport: any HTTPTransport) -> PullTrial {
        let times = sources.flatMap(pages).flatMap(\.items).compactMap { $0.position?.time }
        let newest = times.max() ?? Timestamp(seconds: 1_704_067_200)
        return PullTrial(
            manifest, facts, connection, workspace, span: (times.min() ?? newest)...newest, base: context,
            transport: transport)
    }

    /// Reads to the end, and compares what was taken with what the case expects.
    private func readOn(_ trial: PullTrial) async throws -> [String] {
        let ending = try await trial.turns()
        guard ending == .caughtUp else { return ["the reading came to no end: \(ending.reason)"] }
        let found = try await trial.taken().compactMap { item(of: $0)?.externalID }.sorted()
        guard case .externalIDs(let expected)? = test.expected else {
            return ["has no `expect`; it reads \(JSON.array(found.map(JSON.string)).bytes.text)"]
        }
        var left = expected
        var failures: [String] = []
        for id in found {
            if let at = left.firstIndex(of: id) {
                left.remove(at: at)
            } else {
                failures.append(expected.contains(id) ? "\(id) was read twice" : "\(id) was not expected")
            }
        }
        return failures + left.map { "\($0) was not read" }
    }

    /// The feedback in a raw event; nil if it is filtered or malformed.
    private func item(of taken: PullTrial.Taken) -> MappedItem? {
        if case .item(let item)? = mapper.map(taken.value, headers: taken.headers).first { item } else { nil }
    }

    /// The sources that the stream reads, with what is nested in them.
    private var sources: [ReadSource] {
        let scope = MappingScope(item: nil, entity: facts.entity, config: facts.config)
        return manifest.read.filter { $0.when?.holds(in: scope) ?? true }.flatMap { [$0] + $0.nested }
    }

    private func pages(of source: ReadSource) -> [Page] {
        let settings = StreamSettings(config: facts.config, entity: facts.entity)
        return answers.compactMap { answer in
            (try? JSONDocument(parsing: answer.body.bytes)).map { Page($0, of: source, settings: settings) }
        }
    }
}

extension PullTrial.Ending {
    /// For a person.
    fileprivate var reason: String {
        switch self {
        case .caughtUp: "it was read to the end"
        case .restless: "it gives way again and again"
        case .failed(let failure): failure.description
        }
    }
}

extension JSON {
    /// The value with what lies at a path replaced; as it is, if nothing lies there or there is no replacement.
    fileprivate func replacing(_ path: String, with replacement: (JSON) -> JSON?) -> JSON {
        replacing(Path(path).steps[...], with: replacement)
    }

    private func replacing(_ steps: ArraySlice<Path.Step>, with replacement: (JSON) -> JSON?) -> JSON {
        guard let step = steps.first else { return replacement(self) ?? self }
        switch (self, step) {
        case (.object(var members), .member(let name)):
            if let inner = members[name] { members[name] = inner.replacing(steps.dropFirst(), with: replacement) }
            return .object(members)
        case (.array(var elements), .element(let position)) where elements.indices.contains(position):
            elements[position] = elements[position].replacing(steps.dropFirst(), with: replacement)
            return .array(elements)
        default: return self
        }
    }
}

extension [UInt8] {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
