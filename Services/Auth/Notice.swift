import Contracts
import Cryptography

/// The present version of the notice (投保须知, A7). A changed text is a new version; consents name both.
let currentNotice: InsuranceNotice = {
    let text = """
        投保须知

        一、本产品为投标保证保险，投保人为投标人，被保险人为招标人。
        二、保险公司由系统按公布的权重随机分配，开标后任何人可以复核抽取过程。
        三、保险费须从投标人的基本账户支付；从其他账户支付的款项将原路退回。
        四、开标前保单处于密封状态，任何人不能下载，也不能查询有哪些投标人投保。
        五、开标前放弃投标，或者项目中止、暂停、终止的，可以申请退保；除此之外不予退保。
        六、开标后可以下载保单并申请发票。
        七、您授权平台为承保之目的，将您的企业信息和经办人信息提供给承保的保险公司。
        """
    return InsuranceNotice(version: "2026-11", text: text, hash: sha256(Array(text.utf8)).hex)
}()
