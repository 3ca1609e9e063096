import ByteJSON

extension NodeReader {
    /// `receive`: how deliveries are known to be the provider's.
    mutating func receiver(_ node: SourceNode) -> Receiver? {
        guard var members = members(node, of: "`receive`") else { return nil }
        let signatures = required(&members, "signatures").map { node in list(node).compactMap { signature($0) } } ?? []
        var receiver = Receiver(signatures: signatures)
        receiver.signatureField = members.take("signature_field").flatMap { text($0, "`signature_field`") }
        receiver.handshakes = members.take("handshakes").map { node in list(node).compactMap { handshake($0) } } ?? []
        receiver.deliveryID = members.take("delivery_id").map { texts($0, "`delivery_id`") } ?? []
        receiver.ignore = members.take("ignore").flatMap { condition($0) }
        receiver.keepHeaders =
            members.take("keep_headers").map { texts($0, "a header").map { $0.lowercased() } } ?? []
        if let types = members.take("content_types") { receiver.contentTypes = texts(types, "a content type") }
        receiver.formField = members.take("form_field").flatMap { text($0, "`form_field`") }
        if let limit = members.take("maximum_body_bytes").flatMap({ integer($0, "`maximum_body_bytes`") }) {
            receiver.maximumBodyBytes = limit
        }
        receiver.subscription = members.take("subscribe").flatMap { subscription($0) }
        finish(members)
        return receiver
    }

    private mutating func signature(_ node: SourceNode) -> SignatureScheme? {
        do {
            return try SignatureScheme(node.json)
        } catch {
            var place = node
            if case .mapping(let entries) = node.value, let entry = entries.first(where: { $0.key == error.at }) {
                place = entry.node
            }
            report(error.description, at: place)
            return nil
        }
    }

    private mutating func handshake(_ node: SourceNode) -> Handshake? {
        guard var members = members(node, of: "a handshake") else { return nil }
        let when = required(&members, "when").flatMap { condition($0) }
        let echo = members.take("echo").flatMap { text($0, "`echo`") }
        let signed = members.take("signed").flatMap { boolean($0, "`signed`") } ?? true
        finish(members)
        return when.map { Handshake(when: $0, echo: echo, signed: signed) }
    }
}
