import Common
import Foundation
import Hummingbird
import ServiceKit

/// `GET /v1/doctor`: the books of the whole process, for the operator.
struct DoctorRoutes: Sendable {
    let platform: Assembly

    var role: Role {
        Role(
            name: "doctor",
            routes: { router in
                router.get("/v1/doctor") { request, context in
                    _ = try context.requireCaller(.admin)
                    let query = try request.requireOnly(parameters: ["deep"])
                    let deep = query["deep"] == "true"
                    let encoder = JSONEncoder()
                    encoder.outputFormatting = [.sortedKeys]
                    let diagnosis = try await Diagnosis(platform, deep: deep)
                    return Response.json(bytes: Array(try encoder.encode(diagnosis)))
                }
            })
    }
}
