import Common

extension JobFailure {
    /// What trouble with files means for the job that has it. A disk may have room later; a workspace that has its quota
    /// has it until somebody deletes something.
    init(_ error: FileStorageError) {
        self =
            switch error {
            case .full(let reason): .unavailable("\(reason); make room there")
            case .unavailable(let reason, let after): .unavailable(reason, retryAfter: after)
            case .overQuota, .notFound, .refused, .damaged: .rejected("\(error)")
            case .cancelled: .defect("\(error)")
            }
    }
}
