/// Engines in the order that their requirements ask for.
public struct EnginePipeline: Sendable {
    /// In the order of work.
    public let engines: [any Engine]

    /// Orders the engines; those that depend on nothing keep the order given.
    ///
    /// - Throws: ``EngineOrderError`` if a requirement is not met, two engines produce the same, or they wait for
    ///   one another.
    public init(_ engines: [any Engine]) throws(EngineOrderError) {
        var producers: [AnnotationKind: String] = [:]
        for engine in engines {
            if let first = producers[engine.produces] {
                throw .producedTwice(engine.produces, first, engine.identity)
            }
            producers[engine.produces] = engine.identity
        }
        for engine in engines {
            for kind in engine.requires where producers[kind] == nil {
                throw .missing(kind, engine.identity)
            }
        }
        var ordered: [any Engine] = []
        var done: Set<AnnotationKind> = []
        var waiting = engines
        while !waiting.isEmpty {
            guard let next = waiting.firstIndex(where: { $0.requires.isSubset(of: done) }) else {
                throw .cycle(waiting.map(\.identity))
            }
            let engine = waiting.remove(at: next)
            done.insert(engine.produces)
            ordered.append(engine)
        }
        self.engines = ordered
    }

    /// `name@version` of each engine, in the order of work.
    public var identities: [String] { engines.map(\.identity) }

    /// Annotates a batch in place.
    public func annotate(_ texts: inout [AnnotatedText]) {
        for engine in engines { engine.annotate(&texts) }
    }
}

/// Why engines cannot be put in order.
public enum EngineOrderError: Error, Equatable, CustomStringConvertible {
    /// Two engines produce one kind.
    case producedTwice(AnnotationKind, String, String)
    /// No engine produces what this one requires.
    case missing(AnnotationKind, String)
    /// These wait for one another.
    case cycle([String])

    public var description: String {
        switch self {
        case .producedTwice(let kind, let first, let second):
            "\(first) and \(second) both produce \(kind.rawValue): choose one of them."
        case .missing(let kind, let engine):
            "\(engine) requires \(kind.rawValue), which no engine produces: add one that does."
        case .cycle(let engines):
            "The engines \(engines.joined(separator: ", ")) wait for one another: break the cycle in what they require."
        }
    }
}
