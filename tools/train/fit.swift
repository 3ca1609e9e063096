// Fits a linear softmax model over hashed features and writes it as the engines read it.
//
// Compiled together with the engines' own feature sources (see Makefile), so training and serving cannot differ.
//
//   fit KIND BITS EPOCHS RATE DECAY DROP LABELS TRAIN DEV OUT
//
// KIND is `words` or `language`; TRAIN and DEV hold lines of class TAB weight TAB group TAB text. The first label is
// the reference: its scores are 0, those of the others relative to it, so it needs no lane in the file.

import Foundation

struct Row {
    var label: Int32
    var weight: Float
    var group: String
    var start: Int
    var count: Int
}

struct Corpus {
    var rows: [Row] = []
    var features: [UInt32] = []

    init(path: String, kind: String, mask: UInt32) throws {
        let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe))
        let buffer = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: WordFeatures.limit)
        defer { buffer.deallocate() }
        data.withUnsafeBufferPointer { bytes in
            var line = 0
            while line < bytes.count {
                let end = bytes[line...].firstIndex(of: 10) ?? bytes.count
                let fields = bytes[line..<end].split(separator: 9, maxSplits: 3, omittingEmptySubsequences: false)
                let text = UnsafeBufferPointer(rebasing: fields[3])
                let count = kind == "words" ? WordFeatures.extract(text, into: buffer) : LanguageFeatures(text, into: buffer).count
                rows.append(
                    Row(
                        label: Int32(String(decoding: fields[0], as: UTF8.self))!,
                        weight: Float(String(decoding: fields[1], as: UTF8.self))!,
                        group: String(decoding: fields[2], as: UTF8.self), start: features.count, count: count))
                for index in 0..<count { features.append(buffer[index] & mask) }
                line = end + 1
            }
        }
    }
}

struct Generator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

let arguments = CommandLine.arguments
let kind = arguments[1]
let bits = Int(arguments[2])!
let epochs = Int(arguments[3])!
let rate = Float(arguments[4])!
let decay = Float(arguments[5])!
let drop = Double(arguments[6])!
let labels = arguments[7].split(separator: ",").map(String.init)
let lanes = labels.count
let mask = UInt32((1 << bits) - 1)

func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

let train = try Corpus(path: arguments[8], kind: kind, mask: mask)
let dev = try Corpus(path: arguments[9], kind: kind, mask: mask)
note("train \(train.rows.count) rows, \(train.features.count) features; dev \(dev.rows.count)")

let size = (1 << bits) * lanes
let weights = UnsafeMutablePointer<Float>.allocate(capacity: size)
let squares = UnsafeMutablePointer<Float>.allocate(capacity: size)
weights.initialize(repeating: 0, count: size)
squares.initialize(repeating: 1e-3, count: size)
var bias = [Float](repeating: 0, count: lanes)
var biasSquares = [Float](repeating: 1e-3, count: lanes)
var scores = [Float](repeating: 0, count: lanes)

@inline(__always)
func softmax() {
    var highest = -Float.infinity
    for lane in 0..<lanes { highest = max(highest, scores[lane]) }
    var total: Float = 0
    for lane in 0..<lanes {
        scores[lane] = exp(scores[lane] - highest)
        total += scores[lane]
    }
    for lane in 0..<lanes { scores[lane] /= total }
}

func score(_ features: UnsafeBufferPointer<UInt32>, _ row: Row) {
    for lane in 0..<lanes { scores[lane] = 0 }
    scores.withUnsafeMutableBufferPointer { scores in
        for index in row.start..<row.start + row.count {
            let base = weights + Int(features[index]) * lanes
            for lane in 0..<lanes { scores[lane] += base[lane] }
        }
    }
    let scale = row.count == 0 ? 0 : 1 / Float(row.count).squareRoot()
    for lane in 0..<lanes { scores[lane] = scores[lane] * scale + bias[lane] }
}

func evaluate(_ corpus: Corpus, verbose: Bool) {
    var groups: [String: [[Int]]] = [:]
    corpus.features.withUnsafeBufferPointer { features in
        for row in corpus.rows {
            score(features, row)
            var best = 0
            for lane in 0..<lanes where scores[lane] > scores[best] { best = lane }
            for group in [row.group, "all"] {
                groups[group, default: .init(repeating: .init(repeating: 0, count: lanes), count: lanes)][Int(row.label)][best] += 1
            }
        }
    }
    for (group, table) in groups.sorted(by: { $0.key < $1.key }) where verbose || group == "all" {
        let total = table.reduce(0) { $0 + $1.reduce(0, +) }
        let right = (0..<lanes).reduce(0) { $0 + table[$1][$1] }
        var f1s: [Double] = []
        for lane in 0..<lanes {
            let actual = table[lane].reduce(0, +)
            guard actual > 0 else { continue }
            let claimed = (0..<lanes).reduce(0) { $0 + table[$1][lane] }
            f1s.append(2 * Double(table[lane][lane]) / Double(max(1, actual + claimed)))
        }
        let f1 = f1s.reduce(0, +) / Double(max(1, f1s.count))
        note(String(format: "  %@ n=%d acc=%.4f macroF1=%.4f", group, total, Double(right) / Double(total), f1))
    }
}

var generator = Generator(state: 42)
var order = Array(train.rows.indices)
var kept = [UInt32](repeating: 0, count: WordFeatures.limit)
let dropBelow = UInt64(drop * Double(UInt32.max))
train.features.withUnsafeBufferPointer { features in
    for epoch in 0..<epochs {
        for index in stride(from: order.count - 1, to: 0, by: -1) {
            order.swapAt(index, Int(generator.next() % UInt64(index + 1)))
        }
        let step = rate * (1 - 0.8 * Float(epoch) / Float(epochs))
        for position in order {
            let row = train.rows[position]
            var count = 0
            for index in row.start..<row.start + row.count {
                if dropBelow > 0, generator.next() & 0xFFFF_FFFF < dropBelow { continue }
                kept[count] = features[index]
                count += 1
            }
            let scale = count == 0 ? 0 : 1 / Float(count).squareRoot()
            for lane in 0..<lanes { scores[lane] = 0 }
            scores.withUnsafeMutableBufferPointer { scores in
                for index in 0..<count {
                    let base = weights + Int(kept[index]) * lanes
                    for lane in 0..<lanes { scores[lane] += base[lane] }
                }
                for lane in 0..<lanes { scores[lane] = scores[lane] * scale + bias[lane] }
            }
            softmax()
            scores[Int(row.label)] -= 1
            for lane in 0..<lanes {
                let gradient = scores[lane] * row.weight
                biasSquares[lane] += gradient * gradient
                bias[lane] -= 0.1 * step * gradient / biasSquares[lane].squareRoot()
                scores[lane] = gradient * scale
            }
            scores.withUnsafeMutableBufferPointer { scores in
                for index in 0..<count {
                    let base = Int(kept[index]) * lanes
                    for lane in 0..<lanes {
                        let gradient = scores[lane] + decay * weights[base + lane]
                        squares[base + lane] += gradient * gradient
                        weights[base + lane] -= step * gradient / squares[base + lane].squareRoot()
                    }
                }
            }
        }
        note("epoch \(epoch + 1)")
        evaluate(dev, verbose: epoch == epochs - 1)
    }
}

// A softmax does not see what all lanes share, so the reference lane can be taken from the others.
for row in 0..<(1 << bits) {
    let base = weights + row * lanes
    let reference = base[0]
    for lane in 0..<lanes { base[lane] -= reference }
}
let biasReference = bias[0]
for lane in 0..<lanes { bias[lane] -= biasReference }
var magnitudes = (0..<size).compactMap { weights[$0] == 0 ? nil : abs(weights[$0]) }
magnitudes.sort()
// The few weights beyond the scale are clipped.
let limit = magnitudes.isEmpty ? 1 : magnitudes[min(magnitudes.count - 1, Int(Double(magnitudes.count) * 0.9999))]
let unit = limit / 127
var quantised: [UInt8] = []
quantised.reserveCapacity(size)
for index in 0..<size {
    let value = max(-127, min(127, (weights[index] / unit).rounded()))
    if index % lanes > 0 { quantised.append(UInt8(bitPattern: Int8(value))) }
    if index % lanes == lanes - 1 {
        quantised.append(contentsOf: [UInt8](repeating: 0, count: ModelFile.stride(labels: lanes) - lanes + 1))
    }
    weights[index] = value * unit
}
note("quantised, unit \(unit)")
evaluate(dev, verbose: false)

let model = ModelFile(
    kind: kind, bits: bits, labels: labels, unit: unit, bias: bias, fingerprint: FeatureFingerprint.of(kind: kind))
try Data(model.header + quantised).write(to: URL(fileURLWithPath: arguments[10]))
