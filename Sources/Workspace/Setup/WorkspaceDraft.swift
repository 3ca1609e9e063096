import Common
import ServiceKit

/// What a caller says of a workspace: its name, what is done with personal data, what is kept out.
struct WorkspaceDraft: Sendable {
    static let maximumFilters = 100

    var name: String?
    var personalData: WorkspaceRecord.PersonalDataPolicy?
    var filters: [FilterRule]?

    /// Reads the members; what is wrong, `body` then says.
    init(_ body: BodyObject, isNew: Bool) {
        name = body.string("name", required: isNew)
        personalData = body.choice("personal_data", of: [.keep, .mask, .drop])
        filters = body.objects("filters", count: 0...Self.maximumFilters)?.compactMap { rule in
            let field = rule.choice(
                "field", of: [FilterRule.Field.text, .title, .author, .language, .source, .label, .url], required: true)
            let match = rule.choice("match", of: [FilterRule.Match.contains, .equals]) ?? .contains
            let value = rule.string("value", required: true)
            guard let field, let value else { return nil }
            return FilterRule(field: field, match: match, value: value)
        }
    }

    /// The record of a new workspace, with a data key of its own.
    func record(account: AccountID, vault: Vault, at now: Timestamp) throws -> WorkspaceRecord {
        WorkspaceRecord(
            id: .make(at: now), account: account, name: name ?? "", createdAt: now, personalData: personalData ?? .keep,
            filters: filters ?? [], sealedKey: try vault.makeSealedKey())
    }

    /// The record with what was said in place.
    func applied(to record: WorkspaceRecord) -> WorkspaceRecord {
        var record = record
        if let name { record.name = name }
        if let personalData { record.personalData = personalData }
        if let filters { record.filters = filters }
        return record
    }
}
