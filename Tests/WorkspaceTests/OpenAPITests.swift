import Common
import HTTPTypes
import Hummingbird
import LocalFiles
import Parser
import Reports
import ServiceKit
import TestKit
import Testing
import Webhook
import Workspace

@Suite("schemas/openapi.yaml")
struct OpenAPITests {
    @Test("has the routes that the roles answer, and no others")
    func routes() async throws {
        let office = try await Office()
        func context(_ name: String) async throws -> RoleContext {
            let context = office.context
            return RoleContext(
                log: context.log, database: try await TestDatabase.open(office.folder.file(name + ".sqlite")),
                transport: context.transport, directory: context.directory, vault: context.vault,
                connectors: context.connectors, metrics: context.metrics, logger: context.logger,
                publicURL: context.publicURL, files: try LocalFiles(folder: office.folder.file(name + "-files")))
        }
        let roles = try await [
            WorkspaceRole.build(try await context("workspace")),
            ReportsRole.build(try await context("reports")),
            ParserRole.build(try await context("parser")), WebhookRole.build(try await context("webhook")),
        ]
        let document = try OpenAPIDocument()
        for role in roles {
            let router = Router(context: APIContext.self)
            role.routes(router)
            #expect(document.routes(of: role.name) == router.table, "\(role.name)")
        }
    }

    @Test("has the server's own routes, and says of each operation who answers it")
    func server() async throws {
        let office = try await Office()
        let server = HTTPServer(
            HTTPServerSettings(), roles: [], authenticator: Authenticator(directory: office.directory), log: office.log,
            metrics: Metrics(), logger: .quiet)
        let document = try OpenAPIDocument()
        #expect(document.routes(of: "server") == server.routes.filter { $0.method != .head })
        let roles: Set = ["workspace", "reports", "parser", "webhook", "fetcher", "server", "doctor"]
        for operation in document.operations { #expect(roles.contains(operation.role), "\(operation.route)") }
        #expect(Set(document.operations.map(\.id)).count == document.operations.count)
    }

    @Test("tells the members of every answer")
    func answers() throws {
        for operation in try OpenAPIDocument().operations {
            #expect(operation.vague.isEmpty, "\(operation.route) \(operation.vague)")
        }
    }

    @Test("says of every route that wants a token that it answers 401")
    func statuses() throws {
        for operation in try OpenAPIDocument().operations where !operation.isOpen {
            #expect(operation.statuses.contains("401"), "\(operation.route)")
        }
    }
}
