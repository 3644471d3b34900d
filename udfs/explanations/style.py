"""The report's style sheet: A4, calm, nothing from elsewhere. Nothing is told by colour alone: it prints in grey."""

from udfs.brief.style import FONTS

CSS = f"""
@page {{ size: A4; margin: 14mm 15mm 15mm;
  @bottom-right {{ content: counter(page) " / " counter(pages); font-size: 8pt; color: #666 }} }}
:root {{ --ink: #1d2126; --soft: #5b636c; --line: #d9dde1; --pale: #f6f7f8; --mark: #fff3c4; --accent: #5b636c }}
.approve {{ --accent: #23694a }}
.refer {{ --accent: #8a5b00 }}
.propose_reject, .reject {{ --accent: #96281b }}
* {{ box-sizing: border-box }}
body {{ margin: 0 auto; max-width: 186mm; padding: 9mm 3mm 14mm; background: #fff; color: var(--ink);
  font: 9.5pt/1.5 {FONTS}; overflow-wrap: anywhere }}
h1 {{ font-size: 10.5pt; font-weight: normal; color: var(--soft); letter-spacing: .04em; margin: 0 }}
h2 {{ font-size: 12pt; line-height: 1.3; margin: 8mm 0 2mm; padding-bottom: 1mm; border-bottom: 1px solid var(--ink);
  break-after: avoid }}
h2 small {{ font-weight: normal; font-size: 8.5pt; color: var(--soft); margin-left: 1ex }}
h3 {{ font-size: 9.5pt; margin: 3.5mm 0 1mm; break-after: avoid }}
p {{ margin: .8mm 0 }}
a {{ color: inherit; text-decoration-color: #aab2ba; text-underline-offset: 2px }}
.head {{ display: flex; justify-content: space-between; gap: 6mm; align-items: flex-end; padding-bottom: 2mm }}
.head .kind {{ font-size: 17pt; font-weight: bold; line-height: 1.25 }}
.head .id {{ text-align: right; font-size: 8.5pt; line-height: 1.5; color: var(--soft) }}
.id b {{ color: var(--ink); font-weight: normal }}
.verdict {{ border: 1px solid var(--line); border-left: 6px solid var(--accent); padding: 3mm 4.5mm; margin: 1mm 0 0;
  break-inside: avoid }}
.verdict .say {{ display: flex; justify-content: space-between; align-items: baseline; gap: 4mm }}
.verdict .say b {{ font-size: 16pt; line-height: 1.3; color: var(--accent) }}
.verdict .say span {{ white-space: nowrap }}
.verdict .say span b {{ font-size: 12pt; color: var(--ink); font-variant-numeric: tabular-nums }}
.verdict ol {{ margin: 1.5mm 0 .5mm; padding-left: 5mm }}
.verdict li {{ margin: .5mm 0 }}
.by {{ font-size: 8.5pt; color: var(--soft) }}
.sign {{ display: flex; gap: 8mm; margin: 4mm 0 0; font-size: 9pt; break-inside: avoid }}
.sign span {{ flex: 1; border-bottom: 1px solid #888; padding: 3mm 0 .5mm }}
.note {{ font-size: 8.5pt; color: var(--soft) }}
ol.told {{ margin: 1mm 0; padding-left: 6mm }}
ol.told > li {{ margin: 1.6mm 0; break-inside: avoid }}
ol.told .remedy, .check .remedy {{ color: var(--ink); border-left: 2px solid var(--line); padding-left: 2.5mm;
  margin: .6mm 0 }}
.appeal {{ background: var(--pale); padding: 2mm 3mm; margin: 2.5mm 0 }}
.field {{ display: grid; grid-template-columns: 27mm minmax(0, 5fr) minmax(0, 6fr); gap: 0 4mm; padding: 1.8mm 0;
  border-bottom: 1px solid var(--line); break-inside: avoid }}
.field .title {{ font-size: 9pt; color: var(--soft); line-height: 1.4 }}
.field .title b {{ display: block; color: var(--ink) }}
.field .value {{ font-size: 11pt; line-height: 1.4; font-weight: bold }}
.field.none .value {{ color: var(--soft); font-weight: normal }}
.lines {{ font-size: 8.5pt; line-height: 1.45; color: var(--soft); margin: 0 }}
.lines b {{ color: var(--ink); font-weight: normal }}
.low {{ color: #8a5b00 !important; font-weight: bold !important }}
.flag {{ display: inline-block; border: 1px solid #8a5b00; color: #8a5b00; font-size: 8pt; line-height: 1.35;
  padding: 0 1.2mm; margin: .4mm 1mm .4mm 0 }}
mark {{ background: var(--mark); color: inherit; border-bottom: 1.5px solid #c79a00 }}
figure {{ margin: 0 }}
figure img {{ display: block; max-width: 100%; height: auto; border: 1px solid var(--line); background: #fff }}
figcaption {{ font-size: 7.5pt; color: var(--soft); line-height: 1.4; margin-top: .4mm }}
.none-there {{ font-size: 8pt; color: #868e96; border: 1px dashed var(--line); padding: 1mm 2mm }}
table {{ border-collapse: collapse; width: 100%; font-size: 8.5pt; line-height: 1.4; margin: 1.5mm 0 }}
th, td {{ text-align: left; vertical-align: top; padding: .8mm 1.6mm .8mm 0; border-bottom: 1px solid var(--line) }}
th {{ border-bottom: 1px solid var(--ink); font-weight: normal; color: var(--soft); white-space: nowrap }}
td.n, th.n {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-right: 3mm }}
td .below {{ font-size: 7.5pt; color: var(--soft) }}
tr {{ break-inside: avoid }}
thead {{ display: table-header-group }}
.mono {{ font: 7.5pt/1.5 monospace; color: var(--soft) }}
.check {{ border: 1px solid var(--line); border-left: 4px solid #8a929a; padding: 1.8mm 3mm; margin: 1.8mm 0;
  break-inside: avoid }}
.check.failed {{ border-left-color: #96281b }}
.check.open {{ border-left: 4px dashed #8a5b00 }}
.check .top {{ display: flex; justify-content: space-between; gap: 4mm; align-items: baseline }}
.check .top b {{ font-size: 10pt }}
.state {{ white-space: nowrap; border: 1px solid currentColor; padding: 0 1.5mm; font-size: 8pt; line-height: 1.5 }}
.failed .state {{ color: #96281b }}
.open .state {{ color: #8a5b00; border-style: dashed }}
.wide {{ margin: 2.5mm 0 }}
.wide figure {{ max-width: 130mm }}
.person {{ border: 1px solid var(--line); border-left: 6px solid var(--accent); padding: 2.5mm 4mm;
  break-inside: avoid }}
@media (max-width: 640px) {{
  .field {{ grid-template-columns: 1fr }}
  .head {{ display: block }}
  .head .id {{ text-align: left }}
}}
@media print {{
  body {{ padding: 0; max-width: none }}
  a {{ text-decoration: none }}
  * {{ -webkit-print-color-adjust: exact; print-color-adjust: exact }}
}}
"""
