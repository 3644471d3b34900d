"""The brief's style sheet: A4, black on white, no font or picture from elsewhere."""

FONTS = (
    '"Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC","PingFang SC","Hiragino Sans GB","Microsoft YaHei",'
    '"WenQuanYi Micro Hei","WenQuanYi Zen Hei",SimHei,Arial,sans-serif'
)

CSS = f"""
@page {{ size: A4; margin: 13mm 14mm 14mm;
  @bottom-right {{ content: counter(page) " / " counter(pages); font-size: 8pt }} }}
* {{ box-sizing: border-box }}
body {{ margin: 0 auto; max-width: 182mm; padding: 8mm 2mm; background: #fff; color: #111;
  font: 10pt/1.4 {FONTS}; overflow-wrap: anywhere }}
h1 {{ font-size: 18pt; line-height: 1.2; margin: 0 }}
h2 {{ font-size: 12.5pt; margin: 7mm 0 2mm; padding-top: 1.5mm; border-top: 2px solid #111; break-after: avoid }}
h2 .q, p .q, caption .q {{ margin-left: 1ex }}
h3 {{ font-size: 10.5pt; margin: 3mm 0 1mm; break-after: avoid }}
p {{ margin: 1mm 0 }}
.head {{ display: flex; justify-content: space-between; align-items: flex-end; border-bottom: 3px solid #111;
  padding-bottom: 1.5mm }}
.head div:last-child {{ text-align: right; font-size: 8.5pt; line-height: 1.35 }}
.secret {{ font-size: 8.5pt; font-weight: bold; margin: 1mm 0 0 }}
.note {{ font-size: 8.5pt; color: #333 }}
.q {{ font: normal 7.5pt monospace; color: #444 }}
.figures {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(16mm, 1fr));
  gap: 1.5mm 1mm; margin: 2mm 0; padding: 0; list-style: none }}
.figures b {{ font-size: 13pt; font-variant-numeric: tabular-nums }}
.figures li {{ font-size: 8.5pt; line-height: 1.25 }}
.figures b, .figures span {{ display: block }}
.card {{ display: grid; grid-template-columns: 10mm 1fr 42mm; gap: 0 3mm; border: 1px solid #111;
  border-left-width: 5px; padding: 1.6mm 2.5mm; margin: 1.8mm 0; break-inside: avoid }}
.card.p1 {{ border-left-width: 12px }}
.card .rank {{ font-size: 22pt; font-weight: bold; line-height: 1; text-align: center }}
.card .rank span {{ display: block; font-size: 9pt; margin-top: 1.5mm; white-space: nowrap }}
.card .place {{ font-size: 12.5pt; font-weight: bold; line-height: 1.25 }}
.above {{ font-weight: normal; font-size: 80%; color: #333 }}
.card .want {{ font-size: 11pt; font-weight: bold; margin: .4mm 0 }}
.card .who {{ font-size: 10pt; margin: .4mm 0 }}
.card .why, .card .seen {{ font-size: 8.5pt; line-height: 1.35; margin: .4mm 0 }}
.card .side {{ font-size: 9pt; border-left: 1px dotted #777; padding-left: 2.5mm }}
.card .side p {{ margin: .3mm 0 }}
.state {{ display: inline-block; border: 1.5px solid #111; padding: 0 1.5mm; font-weight: bold }}
.state.unverified {{ border-style: dashed }}
.state.closed {{ color: #555; border-color: #888 }}
.late {{ background: #111; color: #fff; padding: 0 1mm; font-weight: bold }}
.quote {{ margin: .6mm 0; font-size: 8.5pt; line-height: 1.35 }}
.quote .id, .id {{ font: 7.5pt monospace; color: #333 }}
.masked {{ color: #555; font-size: 92% }}
.sign {{ width: 3.4mm; height: 3.4mm; vertical-align: -0.5mm }}
table {{ border-collapse: collapse; width: 100%; font-size: 8.5pt; line-height: 1.35; margin: 1.5mm 0 }}
th, td {{ text-align: left; vertical-align: top; padding: .7mm 1.4mm; border-bottom: 1px solid #bbb }}
th {{ border-bottom: 1.5px solid #111; white-space: nowrap }}
td.n, th.n {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }}
td .below {{ font-size: 7.5pt; color: #333 }}
tr {{ break-inside: avoid }}
thead {{ display: table-header-group }}
.half {{ display: grid; grid-template-columns: 1fr 1fr; gap: 0 4mm }}
.drawn {{ break-inside: avoid }}
svg text {{ font-family: inherit; fill: #111 }}
svg .label {{ font-size: 12px; font-weight: bold }}
svg .small {{ font-size: 10.5px; fill: #333 }}
svg .bar {{ fill: #333 }}
svg .axis {{ stroke: #111; stroke-width: 1 }}
svg .frame {{ fill: #fff; stroke: #111 }}
svg .reach {{ fill: #f0f0f0; fill-opacity: .55; stroke: #bbb; stroke-dasharray: 3 3 }}
svg .pale {{ fill: #999 }}
svg .pale-label {{ font-size: 10px; fill: #666 }}
svg .map-label {{ font-size: 13px; font-weight: bold; paint-order: stroke; stroke: #fff; stroke-width: 3px }}
svg .leader {{ stroke: #555; stroke-width: .8 }}
svg .scale {{ stroke: #111; stroke-width: 1.6 }}
pre {{ font: 7.5pt/1.35 monospace; white-space: pre-wrap; background: #f4f4f4; border: 1px solid #ddd; padding: 1.5mm;
  margin: .5mm 0 2mm }}
.calm {{ border: 1px solid #111; padding: 3mm; margin: 3mm 0 }}
@media print {{
  body {{ padding: 0; max-width: none }}
  * {{ -webkit-print-color-adjust: exact; print-color-adjust: exact }}
}}
"""
