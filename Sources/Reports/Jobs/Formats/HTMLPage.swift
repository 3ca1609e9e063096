/// The frame of a report in HTML: one file, no script, nothing from elsewhere; made to be read, on paper as well.
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

    static let foot = "</main></body></html>\n"

    private static let style = """
        :root{--ink:#1c2430;--soft:#5d6b7d;--line:#dde3ea;--neg:#c2413a;--neu:#b9c2cd;--pos:#2c8a57;--bar:#3b6ea8}
        body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:#fff}
        main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem}
        h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
        p.soft,footer,figcaption{color:var(--soft);font-size:.85rem}
        .facts{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin:1rem 0}.facts b{display:block;font-size:1.5rem}
        table{border-collapse:collapse;width:100%;font-size:.9rem}
        th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid var(--line);
        overflow-wrap:anywhere}
        td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:normal;white-space:nowrap}
        .wide{overflow-x:auto}p.lead{font-size:1.15rem}ul,ol{padding-left:1.25rem}li{margin:.25rem 0}
        figure{margin:0}svg{width:100%;height:auto;display:block}
        blockquote{margin:.75rem 0;padding:.25rem 0 .25rem .75rem;border-left:3px solid var(--line)}
        .neg{fill:var(--neg);color:var(--neg)}.neu{fill:var(--neu)}.pos{fill:var(--pos);color:var(--pos)}
        .bar{fill:var(--bar)}
        .axis{stroke:var(--line)}text{font:11px system-ui,sans-serif;fill:var(--soft)}
        @media(max-width:40rem){th,td{padding:.3rem .25rem;font-size:.8rem}th.n{white-space:normal}text{font-size:16px}}
        @media print{main{max-width:none;padding:0}h2,figure,blockquote,tr{break-inside:avoid}thead{display:table-header-group}}
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
