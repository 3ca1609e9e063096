import Common
import ServiceKit

/// Finds imports for those who may see them.
struct ImportAccess: Sendable {
    let store: ImportStore
    let directory: Directory

    /// The import that the path names, if the caller may see it.
    ///
    /// - Throws: ``Problem`` 404 also if it is somebody else's.
    func find(_ context: APIContext, _ scope: Scope) async throws -> ImportTable.Found {
        let caller = try context.requireCaller(scope)
        let id = try context.identifier("import", of: ImportKind.self)
        guard let found = try await store.read({ try $0.find(id) }),
            (try? directory.current.workspace(found.record.workspace, for: caller)) != nil
        else { throw Problem.notFound("no import \(id) in this account; `GET /v1/imports` lists them") }
        return found
    }
}
