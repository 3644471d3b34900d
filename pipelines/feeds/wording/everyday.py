"""An ordinary day: posts by subject and mood, and the figurative cries for help that are none.

`Subject.templates` may use the slots of `words.WORDS` and: city, county (its short form), province, landline (area code), plate.
"""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    kind: str
    sentiment: str
    weight: int
    templates: tuple[str, ...]
    platform: str = ""
    """Empty: Weibo, Douyin or another at random."""
    language: str = "zh"
    emotion: str = ""


EVERYDAY = (
    Subject("food", "positive", 9, (
        "(今天|中午|晚上|下班后|周末)在{shop}吃了{food}，(真的|也太|简直)(好吃|香|绝)(了|到跺脚){joy}",
        "{food}(配|加)一杯冰(可乐|豆浆|酸梅汤)，(快乐|幸福)就这么简单{joy}{joy}",
        "安利{shop}的{food}，{8-38}块钱(管饱|吃到撑)，老板(人超好|还送小菜)，已经是这个月第{2-9}次去了{joy}",
        "#今天吃什么# {food}！(排队{10-90}分钟也值|一口下去人都精神了|满血复活){joy}",
        "妈妈做的{food}(永远|就是)最好吃，(回家真好|吃了{2-4}碗){joy}",
        "{food}yyds(，不接受反驳|！！|，明天还来){joy}",
        "和{mention} 打卡了{shop}，{food}(没踩雷|超出预期)，(推荐|必点)！{joy}",
        "自己在家做{food}，(卖相一般|第{2-5}次终于成功)，味道(满分|可以开店了){joy}",
    ), emotion="happy"),
    Subject("food", "negative", 5, (
        "{shop}的{food}(踩雷|翻车)了，(又贵又难吃|等了{30-90}分钟端上来是凉的|吃完拉肚子)，(再也不去|避雷){anger}",
        "外卖{food}(洒了一半|迟到{30-120}分钟|吃出一根头发)，(客服|商家)还(不认账|让我自己承担)，{anger}(无语|服了)",
        "{food}涨到{20-60}块了，(分量还少|肉没几片)，(吃不起|打工人落泪){grief}",
        "投诉{shop}，{food}(不新鲜|有异味)，老板态度(恶劣|极差)，已经打12315{anger}",
    ), emotion="angry"),
    Subject("work", "negative", 9, (
        "{job}(半夜{1-3}点|下班前五分钟|周六早上)(改需求|让我重做|拉我开会)，(人麻了|真的会谢|想辞职){anger}",
        "连续加班{5-30}天，(工资|加班费)还没(发|影)，(心累|累到不想说话){grief}",
        "面试{3-20}家公司(全挂|没有一个回音)，(找工作太难了|焦虑到失眠){grief}",
        "公司(又|突然)裁员，(整个组|{job})都没了，房贷还有{10-29}年，(不知道怎么跟家里说|慌){grief}",
        "早高峰挤地铁上班{60-120}分钟，打卡迟到{1-5}分钟扣{50-200}，(什么世道|打工人好惨){anger}",
        "{job}说这个需求很简单，(我信了|然后我通宵了){anger}",
    ), emotion="angry"),
    Subject("work", "positive", 4, (
        "转正了！！(工资涨了{5-30}%|请全组喝奶茶)，(努力没有白费|开心){joy}",
        "项目(终于|顺利)上线，{job}(夸了我|说大家辛苦了)，今晚(早睡|吃顿好的){joy}",
        "拿到(offer|录用通知)啦，(下个月入职|秋招结束)，谢谢一直(陪着我|鼓励我)的{mention}{joy}",
        "今天{5-6}点准时下班，(夕阳好美|居然能赶上晚霞){joy}",
    ), emotion="happy"),
    Subject("work", "neutral", 5, (
        "有没有(做财务|做设计|跑销售)的朋友，(简历|作品集)一般怎么写{neutral}",
        "我们公司招(会计|前台|仓管|电工){1-6}名，{4-9}千加五险一金，地点{city}{county}，简历发{email}",
        "诚聘(司机|服务员|厨师)，包吃住，月薪{4-9}000，联系{person} {phone}，非诚勿扰",
        "明天(出差去{city}|要早起开会|轮休)，(记一下|先睡了){neutral}",
    ), emotion="neutral"),
    Subject("traffic", "negative", 8, (
        "{road}又(堵死了|堵成停车场)，{2-5}公里走了{40-120}分钟{anger}",
        "{city}{road}(追尾|剐蹭)了，占了两个车道，(大家绕行|后面全堵上了){neutral}",
        "地铁{1-9}号线(又|今天)(故障|晚点)，站台上(全是人|挤到变形)，(迟到了|上班要扣钱){anger}",
        "{plate}(占|堵)着消防通道{2-9}个小时，车主电话(打不通|不接)，(有人管吗|物业也不管){anger}",
        "打车排队{50-300}号，加价{5-30}块(都没人接|还要等)，{city}的晚高峰{anger}",
        "司机(绕路|甩客)，{3-9}公里收我{40-99}，车牌{plate}，已投诉{anger}",
    ), emotion="angry"),
    Subject("traffic", "neutral", 5, (
        "【出行提示】{road}({county}段|全线)今晚{21-23}点起(封闭施工|限行)，请(绕行|提前规划路线)",
        "问一下{city}{county}到机场(坐几号线|打车大概多少钱){neutral}",
        "地铁{1-9}号线(末班车|首班车)时间调整，详情见{url}",
        "{road}这会儿(车不多|一路绿灯)，(难得|记录一下){neutral}",
    ), emotion="neutral"),
    Subject("weather", "neutral", 6, (
        "{city}今天{12-38}度，(多云|晴|阴)，(微风|东南风三级)，适合(晒被子|散步|窝在家里){neutral}",
        "天气预报说{city}明后天有(小雨|阵雨|雷阵雨)，出门带伞{neutral}",
        "早上(起雾了|下了点小雨)，{county}这边(有点凉|空气不错){neutral}",
        "【天气】{city}气象台：今夜到明天(多云转晴|阴有小雨)，气温{10-18}到{19-30}度",
    ), emotion="neutral"),
    Subject("weather", "positive", 3, (
        "(雨后|傍晚)的{city}(有双彩虹|晚霞绝了)，(随手一拍都是壁纸|路人都停下来拍照){joy}",
        "终于(出太阳|降温)了，(心情|空气)都变好了{joy}",
    ), emotion="happy"),
    Subject("football", "positive", 5, (
        "{team}{2-4}比{0-1}(赢了|拿下)！！！第{60-94}分钟那脚(世界波|任意球)太(帅|提气)了{joy}",
        "绝杀！！{team}(补时|最后一分钟)进球，(嗓子喊哑了|全家都跳起来了){joy}{joy}",
        "#中超# {team}今晚(踢得漂亮|配合流畅)，{person}(梅开二度|全场最佳){joy}",
    ), emotion="happy"),
    Subject("football", "negative", 5, (
        "{team}又输了，{0-1}比{2-5}，(后防形同虚设|换人换了个寂寞)，(退钱|解散吧){anger}",
        "裁判(眼瞎|黑哨)，(明显的点球|越位)都(不吹|看不见){anger}",
        "踢成这样还好意思(拿|要)年薪{300-2000}万，{team}(没救了|看得我血压高){anger}",
    ), emotion="angry"),
    Subject("show", "positive", 6, (
        "{show}第{2-36}集(哭死我了|后劲太大)，(编剧|演员)(封神|太会了){joy}",
        "一口气刷完{show}，(强烈推荐|五星好评)，(配乐|摄影)(绝了|一级棒){joy}",
        "{show}大结局(圆满|没有烂尾)！(二刷走起|舍不得){joy}",
        "周末看了{show}，全场(笑声不断|都在抹眼泪)，(值回票价|值得进影院){joy}",
    ), emotion="happy"),
    Subject("show", "negative", 4, (
        "{show}(烂尾|注水)(了|严重)，{20-40}集拖成{41-60}集，(弃了|浪费时间){anger}",
        "{show}这(剧情|滤镜|抠图)(离谱|没眼看)，(谁还在看|评分{2-4}分都高了){anger}",
    ), emotion="angry"),
    Subject("show", "neutral", 4, (
        "有人知道{show}(什么时候更新|一共多少集|在哪个平台)吗{neutral}",
        "{show}今晚{19-22}点(首播|大结局)，(卡司|海报)已公布 {url}",
    ), emotion="neutral"),
    Subject("study", "negative", 6, (
        "{subject}(挂了|考砸了)，(复习了{2-8}周|通宵{2-5}天)(还是不会|白费)，(崩溃|难受){grief}",
        "考研倒计时{10-200}天，{subject}(一章没看|错一半)，(焦虑|睡不着){grief}",
        "室友(打游戏到凌晨{2-4}点|外放看直播)，(明天还要考{subject}|说了也不听){anger}",
    ), emotion="sad"),
    Subject("study", "positive", 4, (
        "{subject}考了{88-100}分！！(图书馆没白泡|感谢老师不杀之恩){joy}",
        "上岸了上岸了！！(复试第{1-20}名|拟录取)，(三年|两年)没白熬{joy}",
        "毕业快乐！和{mention} 在操场拍了{20-200}张照片{joy}",
    ), emotion="happy"),
    Subject("study", "neutral", 4, (
        "{subject}期末(重点|范围)有人整理吗，(求一份|可以换笔记){neutral}",
        "捡到一张学生卡和身份证，号码{id_card}，失主(到{county}派出所领|联系{phone})",
    ), emotion="neutral"),
    Subject("pets", "positive", 6, (
        "{pet}(今天|刚刚)(学会握手|自己开门|钻进快递箱)了，(太聪明|好可爱){joy}",
        "领养的{pet}到家第{2-30}天，(从躲床底到踩我脸|胖了{1-3}斤){joy}",
        "加班回家{pet}在门口等我，(一秒治愈|什么烦恼都没了){joy}",
    ), emotion="happy"),
    Subject("pets", "negative", 3, (
        "{pet}(走了|没救回来)，陪了我{3-16}年，(家里空空的|眼睛哭肿了){grief}",
        "遛狗不牵绳的(能不能自觉|有没有人管)，(孩子吓哭了|差点被咬){anger}",
    ), emotion="sad"),
    Subject("pets", "neutral", 2, (
        "{county}{block}附近走丢一只{pet}，(左耳有缺口|脖子上有红绳)，看到请联系{phone}，(必有重谢|谢谢)",
        "{pet}绝育一般(多少钱|恢复几天){neutral}",
    ), emotion="neutral"),
    Subject("housing", "negative", 6, (
        "{block}物业(又|三天两头)(停电|停水)，电话(没人接|打不通)，物业费{2-4}块{1-9}一平(收得倒快|都花哪了){anger}",
        "楼上(装修|蹦迪)到半夜{11-12}点，(投诉{3-9}次|敲门)没用，(神经衰弱了|忍不了){anger}",
        "中介(不退押金|临时涨价{200-900})，{county}租房(太难了|被坑惨){anger}",
        "{block}(延期交房{1-3}年|墙面开裂|电梯坏了{2-20}天)，(开发商|物业)(踢皮球|装死){anger}",
    ), emotion="angry"),
    Subject("housing", "positive", 2, (
        "终于(拿到钥匙|搬进新家)了！{block}{2-30}楼(采光真好|能看到河){joy}",
        "给{block}的{person}点个赞，(半夜帮忙修水管|下雨天帮邻居收被子){joy}",
    ), emotion="happy"),
    Subject("housing", "neutral", 4, (
        "{city}{county}{block}两室出租，{1-3}{1-9}00一月，(近地铁|精装拎包入住)，看房{phone}",
        "二手(冰箱|洗衣机|书桌)出，{80-900}元，{county}自提，加微信{im}{neutral}",
    ), emotion="neutral"),
    Subject("hospital", "positive", 4, (
        "感谢{hospital}的{person}，(耐心|细心)，(手术很成功|我妈今天出院了){joy}",
        "{hospital}(护士小姐姐|急诊医生)(人真好|太负责)，(挂号快|等了{5-20}分钟就看上)，必须表扬{joy}",
    ), emotion="happy"),
    Subject("hospital", "negative", 4, (
        "{hospital}排队{2-6}个小时，看病{1-3}分钟，(专家号根本抢不到|态度还差){anger}",
        "(孩子|我)发烧{38-40}度，{hospital}(人山人海|一床难求)，(难受|心疼){grief}",
    ), emotion="sad"),
    Subject("complaint", "negative", 7, (
        "您好，我是{city}{county}居民，{road}(路灯坏了{5-60}天|井盖缺失|污水外溢)，多次反映无人处理，请有关部门解决。联系人{person}，电话{phone}",
        "打12345反映{block}(夜间施工噪音|垃圾没人清运|烧烤油烟扰民)，(回复已办结|工单关了)，问题(原封不动|一点没变){anger}",
        "{county}{road}(占道经营|乱停车)，(老人|孩子)走机动车道，(出了事谁负责|城管来了又走){anger}",
        "投诉{county}某(健身房|教育机构)跑路，(预付卡{2000-9000}元|学费一万多)打水漂，合同在，本人卡号{bank_card}转的账",
    ), emotion="angry"),
    Subject("complaint", "positive", 2, (
        "给12345点赞，昨天反映的(路灯|井盖|漏水)今天就修好了，(效率真高|暖心){joy}",
        "{county}办事大厅(一次办成|{5-20}分钟搞定)，窗口{person}(态度好|讲得明白){joy}",
    ), emotion="happy"),
    Subject("life", "neutral", 8, (
        "(晚安|早安|早)，{city}{neutral}",
        "(路过|打卡){city}{county}，(随便走走|人不多){neutral}",
        "有没有人觉得(时间过得好快|今年夏天特别长){neutral}",
        "(存个图|码住|mark一下){neutral} {url}",
        "第{2-99}天早睡打卡{neutral}",
        "{mention} (看看这个|你要的链接|在吗){neutral}",
    ), emotion="neutral"),
    Subject("life", "positive", 6, (
        "和{mention} 认识{2-20}年啦，(友谊万岁|下次还一起旅行){joy}",
        "今天(收到花|被陌生人夸了|捡到一片心形叶子)，(开心一整天|世界真可爱){joy}",
        "领证啦！！(从校服到婚纱|异地{2-7}年终于团圆){joy}{joy}",
        "健身第{10-300}天，瘦了{3-30}斤，(裤子都大了|继续加油){joy}",
    ), emotion="happy"),
    Subject("life", "negative", 6, (
        "(分手了|又失眠了)，(一个人|躺着)听了一晚上(歌|雨){grief}",
        "手机(屏碎了|掉水里了)，刚买{2-20}天，(心在滴血|气死){grief}",
        "快递(丢件|被放雨里)，{2-9}天了客服只会(复读|说抱歉){anger}",
        "接到诈骗电话，说我的卡{bank_card}(涉案|异常)，(差点信了|大家小心){anger}",
    ), emotion="sad"),
    # -- Douyin: short --------------------------------------------------------------------------------------------------
    Subject("comment", "positive", 6, ("(哈哈哈哈|笑死)(|我了){joy}", "(太好看了|绝了|好美){joy}{joy}", "支持(一下|家乡)！{joy}", "主播(人美歌甜|好有才){joy}", "这个(必须赞|我学会了){joy}"), "douyin", emotion="happy"),
    Subject("comment", "negative", 4, ("(假的吧|摆拍|又是剧本){anger}", "(取关|举报)了，(没意思|恶心){anger}", "(难听|尬)到我了{anger}", "这也(能上热门|有人信){anger}"), "douyin", emotion="angry"),
    Subject("comment", "neutral", 5, ("(第一|前排|来了){neutral}", "{mention} 来看", "(求|有没有)(BGM|同款|教程){neutral}", "{city}的(举手|来报到){neutral}", "几点直播{neutral}"), "douyin", emotion="neutral"),
    # -- RSS ------------------------------------------------------------------------------------------------------------
    Subject("news", "neutral", 6, (
        "{city}(发布|出台)(夜间经济|老旧小区改造|人才引进)(方案|若干措施)，{county}等地先行试点。记者{person}报道，详见{url}",
        "【{city}】今年前{2-4}季度地区生产总值同比增长{3-7}.{1-9}%，(消费|工业)(持续回升|运行平稳)。{url}",
        "{county}(图书馆|体育公园|博物馆)将于下月(开放|试运行)，市民可(预约|凭身份证)免费入馆。",
        "{city}轨道交通{2-12}号线(进入调试|完成铺轨)，预计年内(通车|试运营)，途经{county}。",
    ), "rss", emotion="neutral"),
    # -- English --------------------------------------------------------------------------------------------------------
    Subject("english", "positive", 3, (
        "(Just had|Can't stop thinking about) the best (noodles|dumplings|hotpot) in town (😋|❤️|🎉|)", "So (proud|happy) of our team tonight!! {2-4}-{0-1} (🔥|🎉|)",
        "Finally finished my (thesis|project), time to (sleep|celebrate) (🥳|)", "Beautiful (sunset|morning) by the river today (🌇|✨|)",
    ), "twitter", "en", "happy"),
    Subject("english", "negative", 2, (
        "Stuck in traffic for {40-120} minutes (again|AGAIN), this city... (🙄|😡|)", "My flight got delayed {3-9} hours and nobody (tells us anything|cares) (😤|)",
        "Third (rejection|interview) this week, feeling (low|so tired) (💔|)", "The (cat|dog) kept me up all night, I'm dead (😭|)",
    ), "twitter", "en", "sad"),
    Subject("english", "neutral", 2, (
        "Anyone know a good (dentist|barber|gym) near the station?", "New bus timetable from Monday: {url}", "Reading list for the weekend (📚|) {url}",
        "Room for rent, {2-9}00 a month, mail {email}",
    ), "twitter", "en", "neutral"),
    # -- traps: words of distress that ask for nothing an emergency service could give -----------------------------------
    Subject("trap", "negative", 6, (
        "(救命|救救我)，{subject}作业(还有{3-20}页|明天就要交)，(谁来救救孩子|要写不完了){grief}",
        "被{subject}(淹没|压垮)了，(快要窒息|救救我){grief}",
        "(被困|困)在(会议室|{job}的群聊)里{2-6}个小时了，(谁来捞我|求救){anger}",
        "股票(崩盘|断崖)了，账户(一片洪水|决堤)，(救命|求救){grief}",
        "我爱豆塌房了，塌得彻彻底底，(心态崩了|哭死){grief}",
        "(堵在|困在){road}动不了，膀胱要(决堤|爆炸)了，SOS{grief}",
        "电脑蓝屏了(求助|急急急|救命)，(毕业论文|{subject})还没保存{grief}",
    ), emotion="sad"),
    Subject("trap", "positive", 6, (
        "救命，{show}男主(也太帅|杀我)了，(我被困在他的眼睛里|溺死在这个笑容里){joy}",
        "(笑到缺氧|笑到需要呼吸机)哈哈哈哈，{mention} 快来看{joy}",
        "救命！！{food}怎么可以这么好吃，(要被香晕|谁懂啊){joy}",
        "抢到(演唱会|决赛)门票了，激动得(需要抢救|快晕过去){joy}",
    ), emotion="happy"),
    Subject("trap", "neutral", 4, (
        "求助：(洗衣机排水管|相机镜头|蓝牙耳机)(怎么选|坏了哪里修){neutral}，在线等",
        "急！(求购|有没有人转让)周末{show}见面会门票{1-4}张，{phone}",
        "(求资源|求推荐|跪求)：{show}原声，(好人一生平安|谢谢){neutral}",
        "游戏里副本卡关了，(被困在地下二层|求大佬救援)，ID {nick}{neutral}",
        "{pet}卡在沙发底下了，怎么(救|弄)出来{neutral}",
    ), emotion="neutral"),
)  # fmt: skip
