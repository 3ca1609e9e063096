/// The frame of a report in HTML: one file, no script, nothing from elsewhere; made to be read on a phone, a desk, and
/// on paper.
enum HTMLPage {
    static func head(_ title: String) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>\(title.htmlEscaped)</title>
        <style>\(style)</style></head><body><main>

        """
    }

    /// The frame with what stands at its top.
    ///
    /// - Parameter lines: What it is about, more exactly.
    static func head(_ title: String, _ lines: [String]) -> String {
        let rest = lines.filter { !$0.isEmpty }
        return head(([title] + rest.prefix(1)).joined(separator: ", "))
            + "<header><h1>\(title.htmlEscaped)</h1>\n"
            + rest.map { "<p>\($0.htmlEscaped)</p>\n" }.joined() + "</header>\n"
    }

    static let foot = "</main></body></html>\n"

    /// What is there where nothing is.
    static func empty(_ reason: String) -> String { "<p class=\"empty\">\(reason.htmlEscaped)</p>\n" }

    private static let style = """
        :root{color-scheme:light;--ink:#1c2430;--soft:#55626f;--line:#dde3ea;--neg:#b93a33;--neu:#98a4b1;--pos:#217a49;
        --bar:#3b6ea8}
        *{box-sizing:border-box}
        body{margin:0;font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--ink);background:#fff}
        main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 3rem}
        header{border-bottom:2px solid var(--bar);padding-bottom:.75rem;margin-bottom:1rem}
        h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem;overflow-wrap:anywhere}
        h2{font-size:1.15rem;margin:2rem 0 .5rem}
        header p{margin:.1rem 0;color:var(--soft);overflow-wrap:anywhere}header p:first-of-type{color:var(--ink)}
        p.soft,footer,figcaption{color:var(--soft);font-size:.85rem}p.lead{font-size:1.2rem}
        p.empty{padding:2rem 1rem;text-align:center;color:var(--soft);border:1px dashed var(--line);border-radius:.5rem}
        .facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:1rem;margin:1rem 0}
        .facts b{display:block;font-size:1.6rem;line-height:1.2}.facts div{font-size:.9rem;color:var(--soft)}
        .facts b{color:var(--ink)}
        table{border-collapse:collapse;width:100%;font-size:.9rem}
        th,td{text-align:left;vertical-align:top;padding:.35rem .75rem;border-bottom:1px solid var(--line)}
        th{font-weight:600;vertical-align:bottom}th:first-child,td:first-child{padding-left:0}
        th:last-child,td:last-child{padding-right:0}
        td.n,th.n{text-align:right}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}
        .scroll{overflow-x:auto}.share{display:block;width:100%;height:6px;margin-top:.15rem}
        td:has(.share){width:45%}
        ul,ol{padding-left:1.5rem}li{margin:.3rem 0}figure{margin:0}
        .chart{padding:.6rem 1rem 0 3rem;font-size:.8rem;line-height:1;color:var(--soft)}
        .plot{position:relative;height:12rem}.plot svg{display:block;width:100%;height:100%}
        .y span{position:absolute;right:100%;margin-right:.4rem;transform:translateY(50%)}
        .x{position:relative;height:1.6rem}
        .x span{position:absolute;top:.4rem;transform:translateX(-50%);white-space:nowrap}
        figcaption span{white-space:nowrap;margin-left:.6rem}
        blockquote,article{margin:1rem 0;padding:.1rem 0 .1rem .85rem;border-left:4px solid var(--neu);
        overflow-wrap:anywhere}
        blockquote.neg,article.neg{border-color:var(--neg)}blockquote.pos,article.pos{border-color:var(--pos)}
        article h3{font-size:1rem;margin:0}article p{margin:.15rem 0;white-space:pre-line}
        a{color:var(--bar)}
        b.neg{color:var(--neg)}b.neu{color:var(--neu)}b.pos{color:var(--pos)}
        rect.neg{fill:var(--neg)}rect.neu{fill:var(--neu)}rect.pos{fill:var(--pos)}rect.bar{fill:var(--bar)}
        .axis{stroke:var(--line);stroke-width:1px;vector-effect:non-scaling-stroke}
        @media(max-width:40rem){h1{font-size:1.4rem}.less,.x .wide{display:none}table{font-size:.85rem}
        th,td{padding:.35rem .4rem}.facts{grid-template-columns:1fr 1fr}.chart{padding-left:2.6rem;padding-right:.75rem}}
        @page{margin:16mm 14mm}
        @media print{body{font-size:11pt}main{max-width:none;padding:0}
        h2,thead{break-after:avoid}figure,blockquote,article,tr,.facts div{break-inside:avoid}
        thead{display:table-header-group}.scroll{overflow:visible}a{color:inherit;text-decoration:none}
        .plot{height:9rem}}
        """
}

extension String {
    /// As text or as the value of an attribute in HTML.
    var htmlEscaped: String {
        guard utf8.contains(where: { [0x26, 0x3C, 0x3E, 0x22, 0x27].contains($0) || $0 < 0x20 }) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            case "\n", "\t": text.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20: text += "\u{FFFD}"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
