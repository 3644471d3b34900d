"""Papers of a company's registration."""

from __future__ import annotations

from loadtest.applications.identity import attorney, card
from loadtest.applications.paper import Pairs, Paper, Prose, Rows, Signs

HOLDERS = ("name", "id_number", "capital", "percent", "paid_by")

FORM = Paper(
    "application_form",
    ("公司登记（备案）申请书", "公司设立登记申请书", "有限责任公司设立登记申请书"),
    (
        Pairs((
            "company_name", "company_type", "registered_capital", "address", "premises_use", "business_scope",
            "business_term", "legal_representative", "legal_representative_id", "legal_representative_phone",
        )),
        Rows("shareholders", HOLDERS, "股东（发起人）出资情况"),
        Signs(("form_signature",)),
    ),
)  # fmt: skip
NAME = Paper(
    "name_declaration",
    ("企业名称自主申报告知书", "企业名称自主申报通知书"),
    (Pairs(("company_name", "name_valid_until")), Signs(("name_authority",), seal="name_authority")),
    short=True,
)
ARTICLES = Paper(
    "articles",
    ("公司章程", "有限责任公司章程"),
    (
        Prose((
            "第一条　为规范公司的组织和行为，依照《中华人民共和国公司法》制定本章程。",
            "第二条　公司名称：{company_name}。",
            "第三条　公司住所：{address}。",
            "第四条　公司经营范围：{business_scope}。",
            "第五条　公司注册资本：{registered_capital}。",
            "第六条　公司营业期限：{business_term}。",
            "第七条　股东姓名、出资额、出资比例和出资期限如下：",
        )),
        Rows("shareholders", HOLDERS, "股东名录"),
        Prose((
            "第八条　股东会由全体股东组成，是公司的权力机构，依照《公司法》行使职权。",
            "第九条　公司不设董事会，设董事一人；不设监事会，设监事一人；设经理一人。",
            "第十条　公司法定代表人：{legal_representative}。",
            "第十一条　本章程由全体股东签字后生效，一式三份。",
        )),
        Signs(("articles_signature",)),
    ),
)  # fmt: skip
CARD = card("identities", "legal_representative", "legal_representative_id", "identity_valid_until")
APPOINTMENTS = Paper(
    "appointments",
    ("股东会决议", "股东决定", "任职文件"),
    (
        Prose(("经全体股东一致同意，选举、聘任下列人员，任期三年：",)),
        Rows("officers", ("name", "position", "id_number"), "任职人员名单"),
        Pairs(("legal_representative", "qualification")),
    ),
)
OWNERS = Paper(
    "beneficial_owners",
    ("受益所有人信息承诺书", "受益所有人信息备案表"),
    (
        Rows("owners", ("name", "id_number", "percent"), "受益所有人信息"),
        Prose(("承诺所填受益所有人信息真实、准确、完整。",)),
    ),
    short=True,
)
PREMISES = Paper(
    "premises",
    ("住所使用证明", "房屋租赁合同"),
    (Pairs(("lessor", "address", "premises_use", "premises_until")),),
    short=True,
)
COMMITMENT = Paper(
    "premises_commitment",
    ("住所（经营场所）承诺书", "住所承诺书"),
    (
        Pairs(("address", "premises_use")),
        Prose(("承诺住所真实、合法使用，愿意承担相应的法律责任。",)),
        Signs(("commitment_signature",)),
    ),
    short=True,
)
NEIGHBOURS = Paper(
    "neighbours_consent",
    ("有利害关系的业主同意证明", "利害关系业主同意书"),
    (Prose(("经征询，有利害关系的业主对住宅改变为经营性用房的意见如下：",)), Pairs(("neighbours_answer",))),
    short=True,
)
PERMIT = Paper(
    "permit",
    ("经营许可证", "行政许可决定书"),
    (Pairs(("permit_items", "permit_until")), Signs(("permit_authority",), seal="permit_authority")),
    short=True,
)
AUTHORISATION = attorney("purpose", "agent_name", ("agent_id",), "authorised_until", "authorisation_signature")
