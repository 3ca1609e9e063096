public import ByteJSON
public import Common

extension Manifest {
    /// The request that tells whether a connection and a stream work: `check`, else the first page of the first source
    /// that is read; nil for what is only pushed or imported.
    ///
    /// - Parameter config: The connection's settings, secrets included.
    public func checkRequest(
        config: [String: JSON], entity: [String: JSON], limits: HTTPLimits = HTTPLimits(), now: Timestamp = .now
    ) throws(TemplateError) -> OutgoingRequest? {
        let scope = MappingScope(item: nil, entity: entity, config: config)
        let source = read.first { $0.when?.holds(in: scope) ?? true }
        guard let request = check ?? source?.request else { return nil }
        var first = 1
        if check == nil, case .page(_, let start, _, _) = source?.pagination { first = start }
        let values = TemplateValues(
            config: config, entity: entity, window: now.advanced(bySeconds: -86_400)..<now, page: first, now: now)
        return try request.build(values, auth: auth, limits: limits)
    }
}
