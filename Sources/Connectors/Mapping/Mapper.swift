public import ByteJSON
public import Common

/// Turns the payloads of one stream into items of the uniform schema, by the connector's manifest.
///
/// Made once for a stream, used for all its events on any thread.
public struct Mapper: Sendable {
    private let program: MappingProgram

    /// Compiles the mapping of a stream.
    ///
    /// - Throws: ``MappingError`` if the stream's own mapping is wrong.
    public init(manifest: Manifest, stream: StreamFacts = StreamFacts()) throws(MappingError) {
        program = try MappingProgram(manifest: manifest, stream: stream)
    }

    /// What the items of a raw event become: one outcome at least, in the order of the payload.
    public func map(_ payload: some Collection<UInt8>, headers: RecordHeaders) -> [MappingOutcome] {
        payload.withContiguousStorageIfAvailable { program.outcomes(of: $0, headers) }
            ?? Array(payload).withUnsafeBufferPointer { program.outcomes(of: $0, headers) }
    }

    /// What the items of a raw event become; for this type alone, because generic code costs more than it does.
    public func map(_ payload: ArraySlice<UInt8>, headers: RecordHeaders) -> [MappingOutcome] {
        payload.withUnsafeBufferPointer { program.outcomes(of: $0, headers) }
    }

    /// What the items of a parsed payload become.
    public func map(_ document: JSONDocument, headers: RecordHeaders) -> [MappingOutcome] {
        document.root.withView { program.outcomes(of: $0, headers) }
    }
}

/// Why a stream's own mapping cannot be used.
public struct MappingError: Error, Sendable, Hashable, CustomStringConvertible {
    public let reason: String
    public init(reason: String) { self.reason = reason }
    public var description: String { "the mapping is wrong: \(reason)" }
}
