import ByteJSON
import Common
import ServiceKit

extension ImportTable.Found {
    /// The import as the API tells it.
    var json: JSON {
        var members: [String: JSON] = [
            "import_id": .string(record.id.rawValue), "workspace_id": .string(record.workspace.rawValue),
            "stream_id": .string(record.stream.rawValue), "key": .string(record.key), "name": .string(record.name),
            "created_at": .string(record.createdAt.description), "state": .string(record.state.rawValue),
            "rows": .integer(Int64(record.progress.rows)), "accepted": .integer(Int64(record.progress.accepted)),
            "left_out": .integer(Int64(record.progress.leftOut)), "bad": .integer(Int64(record.progress.bad)),
            "bytes": .integer(Int64(record.progress.bytes)), "progress": .double(share),
            "seconds": .double((record.progress.seconds * 1000).rounded() / 1000),
            "rows_per_second": .integer(Int64(rate)), "mapping": .object(mapping),
        ]
        members["reason"] = record.reason.map { .string($0) }
        members["size"] = record.size.map { .integer(Int64($0)) }
        members["sha256"] = record.sha256.map { .string($0) }
        switch record.source {
        case .upload: members["uploaded"] = .integer(Int64(record.upload?.offset ?? record.size ?? 0))
        case .path(let path): members["source"] = ["path": .string(path)]
        case .url(let url): members["source"] = ["url": .string(url)]
        }
        members["job_id"] = record.job.map { .string($0.rawValue) }
        if record.state == .running { members["dry_run"] = .bool(record.isDryRun) }
        members["check"] = record.check.map { check in
            [
                "rows": .integer(Int64(check.rows)), "accepted": .integer(Int64(check.accepted)),
                "left_out": .integer(Int64(check.leftOut)), "bad": .integer(Int64(check.bad)),
            ]
        }
        members["withdrawn"] = record.undo.map { .integer(Int64($0.withdrawn)) }
        if let job, !job.state.isEnd, job.attempt > 1 || job.state == .requested, let reason = job.reason {
            members["trouble"] = .string(reason)
        }
        members["links"] = .object(links)
        return .object(members)
    }

    private var mapping: [String: JSON] { record.mapping.isEmpty ? record.options.mapping : record.mapping }

    private var share: Double {
        switch record.state {
        case .completed, .undone: 1
        case .undoing: job?.progress ?? 0
        default: record.size.map { Double(record.progress.bytes) / Double(max(1, $0)) } ?? 0
        }
    }

    private var rate: Double {
        record.progress.seconds > 0 ? Double(record.progress.rows) / record.progress.seconds : 0
    }

    private var links: [String: JSON] {
        let path = "/v1/imports/\(record.id)"
        var links: [String: JSON] = ["self": .string(path)]
        for (name, event) in [
            ("start", ImportState.Event.started), ("pause", .paused), ("cancel", .cancelled), ("undo", .undoingBegan),
        ] where record.state.after(event) != nil { links[name] = .string("\(path)/\(name)") }
        if record.state == .uploading { links["content"] = .string(path + "/content") }
        if record.progress.bad + (record.check?.bad ?? 0) > 0 { links["bad_rows"] = .string(path + "/bad-rows") }
        return links
    }
}
