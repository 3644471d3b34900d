"""Words and columns on the papers of a company's registration."""

from __future__ import annotations

from loadtest.applications.identity import CARD_WORDS
from loadtest.applications.writing import Wording as W

USES = {"office": "办公用房", "shop": "商业用房", "industrial": "工业厂房", "dwelling": "住宅"}
QUALIFICATIONS = {
    "clear": "符合任职资格",
    "bankrupt": "破产清算责任未满三年",
    "revoked": "吊销执照责任未满三年",
    "convicted": "经济犯罪刑满未满五年",
    "debtor": "失信被执行人",
}
POSITIONS = {"director": "董事", "supervisor": "监事", "manager": "经理"}

WORDS = {
    "company_name": W("organisation", ("企业名称", "公司名称")),
    "name_declaration.company_name": W("organisation", ("申报名称", "企业名称")),
    "company_type": W("choice", ("公司类型", "企业类型"), {"limited": "自然人投资或控股", "sole": "自然人独资"}),
    "registered_capital": W("amount", ("注册资本", "公司注册资本")),
    "address": W("address", ("住所", "公司住所", "企业住所")),
    "premises.address": W("address", ("房屋坐落", "房屋地址")),
    "premises_use": W("choice", ("房屋用途", "住所用途", "房屋性质"), USES),
    "premises_until": W("date", ("租赁期限", "租赁期"), begin="lease_from"),
    "business_scope": W("text", ("经营范围", "公司经营范围")),
    "business_term": W("text", ("营业期限", "经营期限")),
    "legal_representative": W("person", ("法定代表人", "法定代表人姓名")),
    "identities.legal_representative": W("person", ("姓名",)),
    "legal_representative_id": W("id_number", ("法定代表人身份证号", "身份证件号码")),
    "identities.legal_representative_id": W("id_number", ("公民身份号码",)),
    "legal_representative_phone": W("phone", ("法定代表人联系电话", "联系电话", "移动电话")),
    "identity_valid_until": W("date", ("有效期限",), begin="card_from"),
    "name_valid_until": W("date", ("名称保留期至", "保留期至")),
    "qualification": W("choice", ("任职资格", "任职资格声明"), QUALIFICATIONS),
    "neighbours_answer": W("choice", ("业主意见",), {"agreed": "一致同意", "objected": "部分业主反对"}),
    "permit_items": W("text", ("许可项目", "批准项目")),
    "permit_until": W("date", ("许可有效期", "许可期限"), begin="permit_from"),
    "agent_name": W("person", ("被委托人", "代理人姓名")),
    "agent_id": W("id_number", ("代理人身份证号", "被委托人身份证号")),
    "authorised_until": W("date", ("委托期限", "委托有效期", "授权期限"), begin="authorised_from"),
    "form_signature": W("signature", ("法定代表人签字", "法定代表人签名")),
    "articles_signature": W("signature", ("全体股东签字", "股东签字")),
    "authorisation_signature": W("signature", ("委托人签字", "委托人签名")),
    "commitment_signature": W("signature", ("承诺人签字", "承诺人签名")),
    "name_authority": W("organisation", ("告知机关",)),
    "permit_authority": W("organisation", ("许可机关",)),
    "lessor": W("person", ("出租人",)),
    "purpose": W("text", ("委托事项",)),
    "authority_scope": W("text", ("委托权限",)),
    **CARD_WORDS,
}  # fmt: skip

COLUMNS = {
    "shareholders": {
        "name": W("person", ("股东姓名", "股东名称")),
        "id_number": W("id_number", ("证件号码", "身份证号")),
        "capital": W("amount", ("认缴出资额（万元）", "出资额（万元）"), unit="万元"),
        "percent": W("percent", ("出资比例", "持股比例")),
        "paid_by": W("date", ("出资期限", "出资时间")),
    },
    "officers": {
        "name": W("person", ("任职人员姓名", "姓名")),
        "position": W("choice", ("职务", "担任职务"), POSITIONS),
        "id_number": W("id_number", ("证件号码", "身份证号")),
    },
    "owners": {
        "name": W("person", ("受益所有人姓名", "姓名")),
        "id_number": W("id_number", ("证件号码", "身份证号")),
        "percent": W("percent", ("受益比例", "最终受益比例")),
    },
}
